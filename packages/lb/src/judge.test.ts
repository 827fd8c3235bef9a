import { type LbBackend, lbBackend } from "@headroom/core/channels";
import { healthPolicy } from "@headroom/core/health";
import { createManualClock } from "@headroom/core/testing";
import { expect, onTestFinished, test } from "vitest";
import { Judge } from "./judge.ts";
import { Roster } from "./roster.ts";

const OUTLIERS = { stdevFactor: 1.9, minHosts: 5, minSuccessRate: 0.5 };

function judged(count: number, options: { maxEjectedShare?: number } = {}) {
  const quiet = { joined: () => {}, left: () => {}, released: () => {} };
  const window = { minRequests: 10 };
  const roster = new Roster<string>({ decayMs: 10_000, initialMs: 1_000, window }, quiet);
  for (let at = 0; at < count; at++) {
    roster.add({ id: `t${at}`, target: `T${at}` }, 0);
  }
  let changes = 0;
  const judge = new Judge(
    roster,
    {
      name: "users",
      health: healthPolicy({ random: () => 0, ejectionMs: 30_000, slowStartMs: 0 }),
      maxEjectedShare: options.maxEjectedShare ?? 0.5,
      successRate: OUTLIERS,
      clock: createManualClock(),
    },
    () => {
      changes++;
    },
  );
  const endpoint = (at: number) => roster.require(`t${at}`);
  const fail = (
    at: number,
    times: number,
    nowMs: number,
    kind: "failed" | "refused" = "failed",
  ) => {
    for (let time = 0; time < times; time++) judge.failed(endpoint(at), kind, nowMs, nowMs);
  };
  return { roster, judge, endpoint, fail, changes: () => changes };
}

function heard(): LbBackend[] {
  const events: LbBackend[] = [];
  onTestFinished(lbBackend.subscribe((event) => events.push(event)));
  return events;
}

test("five failures in a row eject, a success between them does not count as one", () => {
  const { judge, endpoint, fail, changes } = judged(3);
  const events = heard();
  fail(0, 4, 10);
  judge.succeeded(endpoint(0), 10, 10);
  fail(0, 4, 20);
  expect(endpoint(0).isAvailable).toBe(true);
  expect(changes()).toBe(0);
  fail(0, 1, 20);
  expect(endpoint(0).health).toEqual({ status: "ejected", untilMs: 30_020, ejectionMs: 30_000 });
  expect(changes()).toBe(1);
  expect(events).toEqual([
    {
      pool: "users",
      backend: "t0",
      from: "suspect",
      to: "ejected",
      reason: "consecutive-failures",
      atMs: expect.any(Number),
    },
  ]);
});

test("not more than half are ejected; the next failure asks again", () => {
  const { judge, endpoint, fail } = judged(4);
  for (const at of [0, 1, 2]) fail(at, 5, 10);
  expect([0, 1, 2, 3].map((at) => endpoint(at).isAvailable)).toEqual([false, false, true, true]);
  const probed = judge.startProbe(undefined, 30_010);
  expect(probed).toBe(endpoint(0));
  judge.succeeded(endpoint(0), 30_010, 30_020);
  fail(2, 1, 30_030);
  expect(endpoint(2).isAvailable).toBe(false);
});

test("the only one is never ejected", () => {
  const { endpoint, fail } = judged(1);
  fail(0, 50, 10);
  expect(endpoint(0).isAvailable).toBe(true);
});

test("one probe at a time, and only when it is due", () => {
  const { judge, endpoint, fail } = judged(3);
  fail(0, 5, 10);
  expect(judge.nextProbeMs).toBe(30_010);
  expect(judge.startProbe(undefined, 30_009)).toBeUndefined();
  expect(judge.startProbe(new Set([endpoint(0)]), 30_010), "excluded").toBeUndefined();
  expect(judge.startProbe(undefined, 30_010)).toBe(endpoint(0));
  expect(judge.startProbe(undefined, 30_010)).toBeUndefined();
  fail(0, 1, 30_020);
  expect(endpoint(0).health).toMatchObject({ status: "ejected", ejectionMs: 60_000 });
});

test("who returns starts with a clean sheet", () => {
  const { judge, endpoint, fail } = judged(3);
  endpoint(0).answeredIn(5_000, 0);
  fail(0, 12, 10);
  judge.startProbe(undefined, 30_010);
  judge.succeeded(endpoint(0), 30_010, 30_020);
  expect(endpoint(0).latency.estimateAt(30_020)).toBe(0);
  expect(endpoint(0).window.rateAt(30_020)).toBeUndefined();
});

test("failing every second request ejects, though it is never five in a row", () => {
  const { judge, endpoint, fail } = judged(5);
  const events = heard();
  for (let request = 0; request < 20; request++) {
    const nowMs = 100 * request;
    for (const at of [1, 2, 3, 4]) judge.succeeded(endpoint(at), nowMs, nowMs);
    if (request % 2 === 0) judge.succeeded(endpoint(0), nowMs, nowMs);
    else fail(0, 1, nowMs);
  }
  expect(endpoint(0).health.status).toBe("ejected");
  expect(events.map(({ backend, reason }) => [backend, reason])).toEqual([["t0", "success-rate"]]);
});

test("when all fail alike, nobody is an outlier", () => {
  const { judge, endpoint, fail } = judged(5);
  for (let request = 0; request < 20; request++) {
    const nowMs = 100 * request;
    for (const at of [0, 1, 2, 3, 4]) {
      if (request % 2 === 0) judge.succeeded(endpoint(at), nowMs, nowMs);
      else fail(at, 1, nowMs);
    }
  }
  expect([0, 1, 2, 3, 4].every((at) => endpoint(at).isAvailable)).toBe(true);
});

test("429 is no step towards ejection by failures in a row", () => {
  const { judge, endpoint } = judged(3);
  for (let time = 0; time < 9; time++) judge.throttled(endpoint(0), 10, 10);
  expect(endpoint(0).health.status).toBe("healthy");
});

test("checks take out even the last one, and bring it back with a slow start", () => {
  const { judge, endpoint } = judged(2);
  const events = heard();
  judge.checked(endpoint(0), false, 10);
  judge.checked(endpoint(1), false, 10);
  judge.checked(endpoint(1), false, 20);
  expect([endpoint(0).isAvailable, endpoint(1).isAvailable]).toEqual([false, false]);
  judge.checked(endpoint(1), true, 50);
  expect(endpoint(1).health).toEqual({ status: "healthy", joinedMs: 50, ejectionMs: 0 });
  expect(events.map(({ backend, to, reason }) => [backend, to, reason])).toEqual([
    ["t0", "ejected", "probe-failed"],
    ["t1", "ejected", "probe-failed"],
    ["t1", "healthy", "probe-succeeded"],
  ]);
});

test("a check does not shorten an ejection, but is the probe when it is over", () => {
  const { judge, endpoint, fail } = judged(3);
  fail(0, 5, 10);
  judge.checked(endpoint(0), true, 20_000);
  expect(endpoint(0).isAvailable).toBe(false);
  judge.checked(endpoint(0), true, 30_010);
  expect(endpoint(0).isAvailable).toBe(true);
});

test("drain and resume", () => {
  const { roster, judge, endpoint } = judged(2);
  judge.drain(endpoint(0), 10);
  expect(roster.levels.get(0)).toEqual([endpoint(1)]);
  judge.resume(endpoint(0), 20);
  expect(roster.levels.get(0)).toEqual([endpoint(0), endpoint(1)]);
});
