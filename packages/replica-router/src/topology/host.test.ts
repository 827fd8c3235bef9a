import { healthPolicy } from "@headroom/core/health";
import { expect, test } from "vitest";
import { Host, type HostParts } from "./host.ts";

function host(acquire: () => Promise<unknown>, take = (): unknown => undefined): Host {
  const parts = {
    config: { name: "a", weight: 2, connection: {} },
    connections: { acquire, take },
    prober: {},
    health: healthPolicy({
      consecutiveFailures: 2,
      ejectionMs: 1000,
      slowStartMs: 1000,
      random: () => 0,
    }),
    nowMs: 0,
  };
  return new Host(parts as unknown as HostParts);
}

test("its weight grows while it is new, and is nothing while it is out", () => {
  const one = host(async () => ({}));
  expect([one.weightAt(500), one.weightAt(1000)]).toEqual([1, 2]);
  expect(one.note({ type: "eject" }, 2000)).toBe(true);
  expect(one.weightAt(2000)).toBe(0);
  expect(one.note({ type: "success", startedMs: 2500 }, 2500)).toBe(false);
  one.note({ type: "probe" }, 3000);
  expect(one.note({ type: "success", startedMs: 3000 }, 3000)).toBe(true);
  expect(one.weightAt(3500)).toBe(1);
});

test("what is under way is counted, also when there was no connection", async () => {
  const lent = { release: () => {} };
  const one = host(async () => lent);
  await one.acquire("read", 5);
  expect([one.inFlight, one.answeredMs]).toEqual([1, 5]);
  one.release(lent as never);
  expect(one.inFlight).toBe(0);
  const none = host(() => Promise.reject(new Error("no")));
  await expect(none.acquire("read", 5)).rejects.toThrow("no");
  expect(none.inFlight).toBe(0);
});

test("what is at hand is under way as well, once it is taken", () => {
  const lent = { release: () => {} };
  const atHand = [lent];
  const one = host(
    async () => lent,
    () => atHand.pop(),
  );
  expect([one.take("read", 5), one.inFlight, one.answeredMs]).toEqual([lent, 1, 5]);
  expect([one.take("read", 6), one.inFlight]).toEqual([undefined, 1]);
});
