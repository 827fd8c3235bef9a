import { expect, test } from "vitest";
import type { QueueStats } from "../driver.ts";
import { QueueMeter } from "./queue-meter.ts";

function stats(counts: Partial<QueueStats>): QueueStats {
  return {
    ready: 0,
    delayed: 0,
    active: 0,
    held: 0,
    dead: 0,
    paused: false,
    oldestReadyMs: undefined,
    totals: { added: 0, ended: 0 },
    ...counts,
  };
}

test("two readings give the rates, and with those that are active the time of one job", () => {
  const meter = new QueueMeter(60_000);
  meter.read(stats({ totals: { added: 1_000, ended: 900 } }), 0);
  expect(meter.rates).toEqual({ arrivalPerSecond: undefined, servicePerSecond: undefined });
  meter.read(stats({ active: 20, totals: { added: 1_100, ended: 940 } }), 10_000);
  expect(meter.rates).toEqual({ arrivalPerSecond: 10, servicePerSecond: 4 });
  expect(meter.demand(stats({ ready: 160 }))).toEqual({
    backlog: 160,
    arrivalPerSecond: 10,
    runtimeMs: 5_000,
  });
});

test("what was seen to take long is believed before what was reckoned", () => {
  const meter = new QueueMeter(60_000);
  meter.read(stats({}), 0);
  meter.read(stats({ active: 20, totals: { added: 40, ended: 40 } }), 10_000);
  meter.took(70, 10_000);
  expect(meter.runtimeMs).toBe(70);
});

test("a server that was emptied is no negative rate", () => {
  const meter = new QueueMeter(1);
  meter.read(stats({ totals: { added: 1_000, ended: 900 } }), 0);
  meter.read(stats({ totals: { added: 5, ended: 0 } }), 1_000);
  expect(meter.rates.arrivalPerSecond).toBeUndefined();
  meter.read(stats({ totals: { added: 15, ended: 5 } }), 2_000);
  expect(meter.rates).toEqual({ arrivalPerSecond: 10, servicePerSecond: 5 });
});

test("two readings of one instant are one", () => {
  const meter = new QueueMeter(60_000);
  meter.read(stats({}), 0);
  meter.read(stats({ totals: { added: 5, ended: 5 } }), 0);
  expect(meter.rates.arrivalPerSecond).toBeUndefined();
});

test("a paused queue asks for nobody", () => {
  const meter = new QueueMeter(60_000);
  meter.read(stats({}), 0);
  meter.read(stats({ totals: { added: 50, ended: 0 } }), 1_000);
  expect(meter.demand(stats({ ready: 50, paused: true })).backlog).toBe(0);
});
