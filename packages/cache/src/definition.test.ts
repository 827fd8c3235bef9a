import { cacheGet } from "@headroom/core/channels";
import { describe, expect, onTestFinished, test } from "vitest";
import { at, createFleet } from "../test/fleet.ts";
import { createCache } from "./cache.ts";

describe("getMany", () => {
  test("asks for what it lacks in one call of loadMany, and shares with single reads under way", async () => {
    const asked: string[][] = [];
    const { users, source, hold, clock } = await createFleet({
      nodes: 1,
      definition: {
        loadMany: async (ids) => {
          asked.push([...ids]);
          return new Map(ids.map((id) => [id, source.get(id) as string]));
        },
      },
    });
    const user = at(users, 0);
    for (const id of ["1", "2", "3", "4"]) source.set(id, `v${id}`);
    await user.get("1");
    const release = hold();
    const single = user.get("2");
    await clock.advance(1);
    const many = user.getMany(["1", "2", "3", "4", "3", "missing"]);
    await clock.advance(1);
    release();
    expect(await many).toEqual(
      new Map([
        ["1", "v1"],
        ["2", "v2"],
        ["3", "v3"],
        ["4", "v4"],
      ]),
    );
    expect(await single).toBe("v2");
    expect(asked).toEqual([["3", "4", "missing"]]);
  });

  test("what could not be loaded is told by id, with what could", async () => {
    const { users } = await createFleet({
      nodes: 1,
      definition: {
        loadMany: (ids) => new Map(ids.map((id) => [id, id === "bad" ? new Error("no") : id])),
      },
    });
    const failed = at(users, 0).getMany(["a", "bad"]);
    await expect(failed).rejects.toMatchObject({ code: "CACHE_LOAD_FAILED", cache: "user" });
    const error = await failed.catch((reason) => reason);
    expect(error.values).toEqual(new Map([["a", "a"]]));
    expect(error.errors.get("bad")).toEqual(new Error("no"));
    expect(Object.keys(error)).not.toContain("values");
  });

  test("another process that loads one of them does not hold up the others", async () => {
    const { users, source, hold, clock, loads } = await createFleet({ nodes: 2 });
    const [a, b] = [at(users, 0), at(users, 1)];
    source.set("1", "v1");
    source.set("2", "v2");
    const release = hold();
    const slow = a.get("1");
    await clock.advance(1);
    const many = b.getMany(["1", "2"]);
    await clock.advance(1);
    expect(loads).toEqual(["1", "2"]);
    release();
    await clock.advance(100);
    expect(await many).toEqual(
      new Map([
        ["1", "v1"],
        ["2", "v2"],
      ]),
    );
    expect(await slow).toBe("v1");
    expect(loads).toEqual(["1", "2"]);
  });

  test("nothing is asked for nothing", async () => {
    const { users } = await createFleet({ nodes: 1 });
    expect(await at(users, 0).getMany([])).toEqual(new Map());
  });
});

describe("set", () => {
  test("every process finds what one has written, without a load", async () => {
    const { users, loads } = await createFleet();
    const [a, b] = [at(users, 0), at(users, 1)];
    await b.set("1", "old");
    await a.get("1");
    expect(await b.set("1", "new")).toEqual({ status: "done" });
    expect([await a.get("1"), await b.get("1")]).toEqual(["new", "new"]);
    expect(loads).toEqual([]);
  });

  test("a load that began before does not replace what was written", async () => {
    const { users, source, hold, clock } = await createFleet();
    const [a, b] = [at(users, 0), at(users, 1)];
    source.set("1", "old");
    const release = hold();
    const read = a.get("1");
    await clock.advance(1);
    await b.set("1", "new");
    release();
    expect(await read).toBe("old");
    expect([await a.get("1"), await b.get("1")]).toEqual(["new", "new"]);
  });

  test("a value that cannot be stored is refused, and what was there stays", async () => {
    const { users } = await createFleet({ nodes: 2, cache: { values: "share" } });
    const [a, b] = [at(users, 0), at(users, 1)];
    await a.set("1", "old");
    await expect(a.set("1", () => {})).rejects.toMatchObject({ code: "CACHE_VALUE_UNSUPPORTED" });
    await expect(a.set("1", undefined)).rejects.toThrow(TypeError);
    expect(await b.get("1")).toBe("old");
  });
});

describe("the store cannot be reached", () => {
  const broken = { isDown: false };
  const link = {
    request: async (): Promise<void> => {
      if (broken.isDown) throw new Error("unreachable");
    },
  };

  test("reads go to the loader, one a key and while; invalidations say so and are made up for", async () => {
    broken.isDown = false;
    const { users, source, loads, clock, caches } = await createFleet({ nodes: 2, link });
    const [a, b] = [at(users, 0), at(users, 1)];
    source.set("1", "v1");
    await a.get("1");
    await b.get("1");
    broken.isDown = true;
    source.set("1", "v2");
    const outcome = await a.invalidate("1");
    expect(outcome).toMatchObject({ status: "queued", cause: new Error("unreachable") });
    expect(at(caches, 0).stats().pendingInvalidations).toBe(1);
    expect([await a.get("1"), await a.get("1")]).toEqual(["v2", "v2"]);
    expect(loads).toHaveLength(2);
    expect(await b.get("1")).toBe("v1"); // nobody could tell it
    broken.isDown = false;
    await clock.advance(10_000);
    expect(at(caches, 0).stats().pendingInvalidations).toBe(0);
    expect([await a.get("1"), await b.get("1")]).toEqual(["v2", "v2"]);
  });

  test("a store that comes back before the invalidation does is not believed", async () => {
    broken.isDown = false;
    const { users, source } = await createFleet({ nodes: 1, link, cache: { outageTtlMs: 0 } });
    const user = at(users, 0);
    source.set("1", "v1");
    await user.get("1");
    broken.isDown = true;
    source.set("1", "v2");
    await user.invalidate("1");
    broken.isDown = false;
    expect(await user.get("1")).toBe("v2");
  });
});

test("a hold: what is loaded in its time is returned, told that it is so, and not stored", async () => {
  const seen: boolean[] = [];
  const { users, source, clock } = await createFleet({
    nodes: 2,
    definition: {
      load: (id, { afterInvalidation }) => {
        seen.push(afterInvalidation);
        return source.get(id);
      },
    },
  });
  const [a, b] = [at(users, 0), at(users, 1)];
  source.set("1", "replica lags");
  await a.invalidate("1", { holdForMs: 500 });
  expect(await b.get("1")).toBe("replica lags");
  source.set("1", "caught up");
  expect([await a.get("1"), await b.get("1")]).toEqual(["caught up", "caught up"]);
  await clock.advance(500);
  await a.get("1");
  await b.get("1");
  expect(seen).toEqual([true, true, true, false]);
});

test("peek looks at this process alone", async () => {
  const { users, source, loads } = await createFleet();
  source.set("1", "v");
  expect(at(users, 0).peek("1")).toBeUndefined();
  await at(users, 0).get("1");
  expect(at(users, 0).peek("1")).toBe("v");
  expect(at(users, 1).peek("1")).toBeUndefined();
  expect(loads).toHaveLength(1);
});

test.each(["freeze", "clone", "share"] as const)(
  "one caller's change does not reach another: %s",
  async (values) => {
    const { users, source } = await createFleet({ nodes: 1, definition: { values } });
    source.set("1", { roles: ["reader"] });
    const user = at(users, 0);
    type User = { roles: string[] };
    const first = (await user.get("1")) as User;
    if (values === "freeze") expect(() => first.roles.push("admin")).toThrow(TypeError);
    else first.roles.push("admin");
    const second = (await user.get("1")) as User;
    expect(second.roles).toEqual(values === "share" ? ["reader", "admin"] : ["reader"]);
  },
);

test("what telemetry hears of reads: where the answer was found, and no key", async () => {
  const { users, source, clock } = await createFleet({
    definition: { ttlMs: 1_000, staleWhileRevalidateMs: 500 },
  });
  const heard: unknown[] = [];
  onTestFinished(cacheGet.subscribe({ asyncEnd: (context) => heard.push({ ...context }) }));
  source.set("secret-key", "secret-value");
  const [a, b] = [at(users, 0), at(users, 1)];
  await Promise.all([a.get("secret-key"), a.get("secret-key")]);
  await a.get("secret-key");
  await b.get("secret-key");
  await clock.advance(1_200);
  await a.get("secret-key");
  expect(heard).toEqual([
    { cache: "user", result: "miss" },
    { cache: "user", coalesced: true },
    { cache: "user", result: "hit", tier: "l1" },
    { cache: "user", result: "hit", tier: "l2" },
    { cache: "user", result: "stale", tier: "l1" },
  ]);
  expect(JSON.stringify(heard)).not.toContain("secret");
});

test.each([[42], [undefined], [null], [["a"]], [{}], [""]])(
  "%o is refused as an id when it is the key",
  async (id) => {
    await using cache = createCache();
    const users = cache.define<unknown, string>("user", { load: () => "v" });
    await expect(users.get(id)).rejects.toThrow(/the key of "user" must be a string/);
    await expect(users.invalidate(id)).rejects.toThrow(/the key of "user"/);
    expect(() => users.peek(id)).toThrow(/the key of "user"/);
  },
);

test("a misspelt option of a call is an error", async () => {
  await using cache = createCache();
  const users = cache.define<string, string>("user", { load: () => "v" });
  const misspelt = { holdMs: 5 } as object;
  await expect(users.invalidate("1", misspelt)).rejects.toThrow(/did you mean "holdForMs"/);
  await expect(users.get("1", { abort: 1 } as object)).rejects.toThrow(/unknown option "abort"/);
});
