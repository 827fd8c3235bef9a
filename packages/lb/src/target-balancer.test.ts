/** How the parts are put together; what users rely on is in `balancer.test.ts` and its model. */

import { lbBackend } from "@headroom/core/channels";
import { seededRandom } from "@headroom/core/random";
import { createManualClock } from "@headroom/core/testing";
import { expect, onTestFinished, test, vi } from "vitest";
import { createBalancer } from "./balancer.ts";
import { SUCCESS } from "./outcome.ts";

const list = (...ids: string[]) => ids.map((id) => ({ id, target: id.toUpperCase() }));

test("checks take a target out and bring it back, however many are out", async () => {
  const clock = createManualClock();
  const unfit = new Set<string>();
  const balancer = createBalancer({
    targets: list("a", "b"),
    check: { check: async (target) => !unfit.has(target), intervalMs: 1_000 },
    clock,
    random: seededRandom(3),
  });
  const pickedIds = (): string[] =>
    Array.from({ length: 40 }, () => {
      const lease = balancer.pick();
      lease.done(SUCCESS, 5);
      return lease.id;
    });
  const stateOf = (id: string) => balancer.stats().targets.find((each) => each.id === id);
  unfit.add("A");
  await clock.advance(10_000);
  expect(stateOf("a")?.failsChecks).toBe(true);
  expect(new Set(pickedIds())).toEqual(new Set(["b"]));
  unfit.add("B");
  await clock.advance(10_000);
  expect(balancer.isPanicking).toBe(true);
  expect(new Set(pickedIds())).toEqual(new Set(["a", "b"]));
  unfit.clear();
  await clock.advance(10_000);
  expect(balancer.stats().targets.every(({ failsChecks }) => !failsChecks)).toBe(true);
  expect(balancer.isPanicking).toBe(false);
});

test("while requests succeed there are fewer checks", async () => {
  const clock = createManualClock();
  const check = vi.fn(async () => true);
  const balancer = createBalancer({
    targets: list("a"),
    check: { check, intervalMs: 1_000, healthyIntervalMs: 60_000 },
    clock,
    random: seededRandom(3),
  });
  await clock.advance(30_000);
  const idle = check.mock.calls.length;
  for (let second = 0; second < 300; second++) {
    balancer.pick().done(SUCCESS);
    await clock.advance(100);
  }
  const busy = check.mock.calls.length - idle;
  expect(idle).toBeGreaterThan(20);
  expect(busy).toBeLessThanOrEqual(2);
  await balancer.close();
});

test("joining and leaving are told", async () => {
  const heard: string[] = [];
  onTestFinished(
    lbBackend.subscribe(({ backend, from, to, reason }) =>
      heard.push(`${backend} ${from} ${to} ${reason}`),
    ),
  );
  const balancer = createBalancer({ targets: list("a"), clock: createManualClock() });
  balancer.add({ id: "b", target: "B" });
  await balancer.close();
  expect(heard).toEqual([
    "a absent healthy joined",
    "b absent healthy joined",
    "a healthy absent left",
    "b healthy absent left",
  ]);
});
