import { cacheDegraded } from "@headroom/core/channels";
import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { at, createFleet } from "../test/fleet.ts";

test("a stored value that does not match the schema is loaded anew", async () => {
  const reasons: string[] = [];
  onTestFinished(cacheDegraded.subscribe(({ reason }) => reasons.push(reason)));
  const old = await createFleet({ nodes: 1 });
  const { caches, clock } = await createFleet({ nodes: 1, cache: { l2: old.store }, bus: false });
  old.source.set("1", { name: "Ada" });
  await at(old.users, 0).get("1");
  const users = at(caches, 0).define("user2", {
    load: (id: string) => ({ id: Number(id) }),
    schema: z.object({ id: z.number() }),
  });
  expect(await users.get("1")).toEqual({ id: 1 });
  const renamed = await createFleet({
    nodes: 1,
    bus: false,
    cache: { l2: old.store },
    definition: { load: () => ({ id: 1 }), schema: z.object({ id: z.number() }) },
  });
  expect(await at(renamed.users, 0).get("1")).toEqual({ id: 1 });
  expect(at(renamed.users, 0).stats()).toMatchObject({ undecodable: 1, misses: 1, sharedHits: 0 });
  expect(reasons).toContain("value-undecodable");
  expect(clock.pending).toBeLessThan(5);
});

test("without a tier in the process each read asks the store, and the loader is asked once", async () => {
  const { users, source, loads } = await createFleet({ nodes: 1, definition: { l1: false } });
  source.set("1", "v");
  expect([await at(users, 0).get("1"), await at(users, 0).get("1")]).toEqual(["v", "v"]);
  expect(loads).toHaveLength(1);
  expect(at(users, 0).stats()).toMatchObject({ localHits: 0, sharedHits: 1, entries: 0 });
});

test("statistics count entries, their bytes, and what was pushed out", async () => {
  const { users, source } = await createFleet({ nodes: 1, definition: { l1: { maxEntries: 2 } } });
  for (const id of ["1", "2", "3"]) {
    source.set(id, "v");
    await at(users, 0).get(id);
  }
  expect(at(users, 0).stats()).toMatchObject({ entries: 2, evictions: 1 });
  expect(at(users, 0).stats().bytes).toBeGreaterThan(2);
});
