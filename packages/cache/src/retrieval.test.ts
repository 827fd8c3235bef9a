import { cacheDegraded } from "@headroom/core/channels";
import { expect, onTestFinished, test } from "vitest";
import { at, createFleet } from "../test/fleet.ts";
import type { MemoryOperation } from "./memory-store.ts";

async function watched(definition = {}) {
  const operations: MemoryOperation[] = [];
  const fleet = await createFleet({
    nodes: 1,
    link: { request: async (_origin, operation) => void operations.push(operation) },
    cache: { l1: false },
    definition,
  });
  return { ...fleet, user: at(fleet.users, 0), operations };
}

test("where misses are the rule, the lease is asked for at once: one step less", async () => {
  const { user, source, operations } = await watched();
  for (let id = 0; id < 10; id++) {
    source.set(String(id), "v");
    await user.get(String(id));
  }
  operations.length = 0;
  source.set("next", "v");
  await user.get("next");
  expect(operations).toEqual(["lease", "fill"]);
  for (let round = 0; round < 10; round++) await user.get("next");
  operations.length = 0;
  await user.get("next");
  expect(operations).toEqual(["read"]);
});

test("a load that fails gives its lease back, so that the next one need not wait", async () => {
  let isDown = true;
  const { user, operations, clock } = await watched({
    errorThrottleMs: 0,
    load: async () => {
      if (isDown) throw new Error("down");
      return "v";
    },
  });
  await expect(user.get("1")).rejects.toThrow("down");
  await clock.advance(0);
  expect(operations).toContain("release");
  isDown = false;
  expect(await user.get("1")).toBe("v");
});

test("a value that the store cannot keep is given to those who asked, and told", async () => {
  const reasons: string[] = [];
  onTestFinished(cacheDegraded.subscribe(({ reason }) => reasons.push(reason)));
  const { user, loads } = await watched({ values: "share", load: () => () => "a function" });
  expect(await user.get("1")).toBeTypeOf("function");
  expect(await user.get("1")).toBeTypeOf("function");
  expect(loads).toEqual([]);
  expect(reasons).toEqual(["value-unsupported", "value-unsupported"]);
});

test("of many processes one loads again at the end, and the others take what it has put there", async () => {
  const { users, source, loads, clock } = await createFleet({
    nodes: 4,
    definition: { ttlMs: 10_000, staleWhileRevalidateMs: 1_000 },
  });
  source.set("1", "v1");
  for (const user of users) await user.get("1");
  source.set("1", "v2");
  await clock.advance(10_000);
  for (const user of users) await user.get("1");
  await clock.advance(200);
  for (const user of users) expect(await user.get("1")).toBe("v2");
  expect(loads).toHaveLength(2);
});
