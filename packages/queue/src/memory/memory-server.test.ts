import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import { MemoryServer } from "./memory-server.ts";

test("a queue is made when it is first asked for, and is the same then", () => {
  const server = new MemoryServer({});
  expect(server.queue("a")).toBe(server.queue("a"));
  expect(server.queue("a").queue).not.toBe(server.queue("b").queue);
});

test("its time is the clock's", async () => {
  const clock = createManualClock({ nowMs: 5_000 });
  const server = new MemoryServer({ clock });
  await clock.advance(10);
  expect([server.now(), server.monotonicNow()]).toEqual([5_010, 10]);
});

test("no text is given twice, also where chance always says the same", () => {
  const server = new MemoryServer({ random: () => 0.5 });
  const given = new Set(Array.from({ length: 1_000 }, () => server.unique()));
  expect(given.size).toBe(1_000);
});

test("wrong options are refused", () => {
  expect(() => new MemoryServer({ clock: {} as never })).toThrow("clock");
  expect(() => new MemoryServer({ time: 1 } as never)).toThrow('unknown option "time"');
});
