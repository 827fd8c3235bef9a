import { cacheDegraded } from "@headroom/core/channels";
import { expect, onTestFinished, test } from "vitest";
import { at, createFleet } from "../test/fleet.ts";

test("many keys are invalidated in one step", async () => {
  const operations: string[] = [];
  const { users, source } = await createFleet({
    link: { request: async (_origin, operation) => void operations.push(operation) },
  });
  for (const id of ["1", "2", "3"]) source.set(id, "old");
  await at(users, 1).getMany(["1", "2", "3"]);
  operations.length = 0;
  for (const id of ["1", "2", "3"]) source.set(id, "new");
  await at(users, 0).invalidateMany(["1", "2", "3", "1"]);
  expect(operations).toEqual(["invalidate"]);
  expect([...(await at(users, 1).getMany(["1", "2", "3"])).values()]).toEqual([
    "new",
    "new",
    "new",
  ]);
  expect(await at(users, 0).invalidateMany([])).toEqual({ status: "done" });
  expect(operations.filter((operation) => operation === "invalidate")).toHaveLength(1);
});

test("those who read while a value is written get what is written", async () => {
  let open = (): void => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const { users } = await createFleet({
    nodes: 1,
    link: { request: async (_origin, operation) => (operation === "write" ? gate : undefined) },
  });
  const writing = at(users, 0).set("1", "new");
  const read = at(users, 0).get("1");
  open();
  expect(await writing).toEqual({ status: "done" });
  expect(await read).toBe("new");
});

test("of two writes of one process the later is what it serves", async () => {
  const { users } = await createFleet();
  const [first, second] = [at(users, 0).set("1", "a"), at(users, 0).set("1", "b")];
  await Promise.all([first, second]);
  for (const user of users) expect(await user.get("1")).toBe("b");
});

test("a write that fails says so, is served here, and is invalidated as soon as that is possible", async () => {
  const reasons: string[] = [];
  onTestFinished(cacheDegraded.subscribe(({ reason }) => reasons.push(reason)));
  let isDown = false;
  const { users, source, clock } = await createFleet({
    link: {
      request: async () => {
        if (isDown) throw new Error("down");
      },
    },
  });
  const [a, b] = [at(users, 0), at(users, 1)];
  await a.set("1", "old");
  await b.get("1");
  isDown = true;
  source.set("1", "new");
  expect(await a.set("1", "new")).toMatchObject({ status: "queued" });
  expect(await a.get("1")).toBe("new");
  expect(reasons).toContain("invalidation-queued");
  isDown = false;
  await clock.advance(10_000);
  expect([await a.get("1"), await b.get("1")]).toEqual(["new", "new"]);
});
