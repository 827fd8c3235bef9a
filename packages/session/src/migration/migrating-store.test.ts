import { createManualClock } from "@headroom/core/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { faultySessionStore } from "../faulty-store.ts";
import { type MemoryStore, memoryStore } from "../memory-store.ts";
import { rotatedSessionId, sessionKey } from "../session-id.ts";
import type { SessionStore } from "../store.ts";
import { describeSessionStore } from "../store-conformance.ts";
import { type MigrationOptions, migratingStore } from "./migrating-store.ts";

/** Each has some dozen steps to put in order. */
const RUNS = { numRuns: 100 };
const RACE = { timeout: 60_000 };
const ID = "i".repeat(43);
const KEY = sessionKey(ID);
const NEXT = sessionKey(rotatedSessionId(ID));
const TOUCH = { seenAtMs: 0, ttlMs: 60_000 };
const META = { createdAtMs: 0, userId: "ann" };

for (const phase of ["prepare", "move"] as const) {
  const setup = () => {
    const clock = createManualClock();
    const [from, to] = [memoryStore({ clock }), memoryStore({ clock })];
    const pass = async (ms: number) => void (await clock.advance(ms));
    return { store: migratingStore({ from, to, phase }), pass };
  };
  describeSessionStore(`two stores, ${phase}`, setup, { describe, test });
}

const setting = (name: string) => ({ set: new Map([[name, "1"]]), del: [] });

async function setup() {
  const [from, to] = [memoryStore(), memoryStore()];
  const session = { fields: new Map([["a", "1"]]), meta: META, ...TOUCH };
  await from.enlist("ann", KEY);
  await from.create(KEY, session);
  const prepared = migratingStore({ from, to, phase: "prepare" });
  const moving = migratingStore({ from, to, phase: "move" });
  return { from, to, prepared, moving };
}

const names = async (store: SessionStore, key = KEY) => [
  ...((await store.load(key))?.fields.keys() ?? []),
];

test("prepared servers change nothing, and find what others have moved", async () => {
  const { from, to, prepared, moving } = await setup();
  await prepared.commit(KEY, setting("b"), TOUCH);
  expect([await names(from), await names(to)]).toEqual([["a", "b"], []]);
  await moving.commit(KEY, setting("c"), TOUCH);
  expect([await names(from), await names(to)]).toEqual([[], ["a", "b", "c"]]);
  await prepared.commit(KEY, setting("d"), TOUCH);
  expect(await names(prepared)).toEqual(["a", "b", "c", "d"]);
  expect(await prepared.rotate(KEY, NEXT, META, TOUCH)).toBe(true);
  expect(await names(moving, NEXT)).toEqual(["a", "b", "c", "d"]);
});

test("a session is moved when it is touched, written or rotated, with its user; a read moves nothing", async () => {
  for (const use of [
    (store: SessionStore) => store.touch(KEY, TOUCH),
    (store: SessionStore) => store.commit(KEY, setting("b"), TOUCH),
    (store: SessionStore) => store.rotate(KEY, NEXT, META, TOUCH),
  ]) {
    const { from, to, moving } = await setup();
    expect(await names(moving)).toEqual(["a"]);
    expect(await names(from)).toEqual(["a"]);
    await use(moving);
    expect(await from.load(KEY)).toBeUndefined();
    const alive = (await names(to)).length > 0 ? KEY : NEXT;
    expect((await names(to, alive)).slice(0, 1)).toEqual(["a"]);
    if (alive === KEY) expect(await to.ofUser("ann")).toHaveLength(1);
  }
});

test("a logout ends it in both, and what was enlisted in either is found", async () => {
  const { from, to, prepared, moving } = await setup();
  await moving.touch(KEY, TOUCH);
  await prepared.destroy(KEY);
  expect([await from.load(KEY), await to.load(KEY)]).toEqual([undefined, undefined]);
});

test("what a mover that died has left is moved on by whoever comes next, in both phases", async () => {
  for (const died of ["load", "create", "destroy"] as const) {
    for (const phase of ["prepare", "move"] as const) {
      const { from, to } = await setup();
      const [dyingFrom, dyingTo] = [faultySessionStore(from), faultySessionStore(to)];
      for (const faulty of [dyingFrom, dyingTo]) {
        faulty.before = (method) =>
          method === died ? Promise.reject(new Error("died")) : undefined;
      }
      const dying = migratingStore({ from: dyingFrom, to: dyingTo, phase: "move" });
      await expect(dying.touch(KEY, TOUCH)).rejects.toThrow("died");
      const store = migratingStore({ from, to, phase });
      expect(await names(store)).toEqual(["a"]);
      expect(await store.commit(KEY, setting("b"), TOUCH)).toBe("ok");
      expect(await names(store)).toEqual(["a", "b"]);
      expect(await store.rotate(KEY, NEXT, META, TOUCH)).toBe(true);
      expect([await names(store), await names(store, NEXT)]).toEqual([[], ["a", "b"]]);
      await store.destroy(NEXT);
      expect(await names(store, NEXT)).toEqual([]);
    }
  }
});

/** The stores as one server sees them, each call when the scheduler likes. */
function server(
  scheduler: fc.Scheduler,
  { from, to }: { from: MemoryStore; to: MemoryStore },
  phase: MigrationOptions["phase"],
): SessionStore {
  const seen = (store: MemoryStore): SessionStore => {
    const faulty = faultySessionStore(store);
    faulty.before = () => scheduler.schedule(Promise.resolve());
    return faulty;
  };
  return migratingStore({ from: seen(from), to: seen(to), phase });
}

test(
  "in every order servers of both phases lose no acknowledged write, and no counter",
  RACE,
  async () => {
    const phases = fc.array(fc.constantFrom("prepare" as const, "move" as const), {
      minLength: 2,
      maxLength: 4,
    });
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), phases, async (scheduler, each) => {
        const parts = await setup();
        const compare = { ...setting("n"), expect: new Map([["n", undefined]]) };
        const work = each.flatMap((phase, at) => {
          const store = server(scheduler, parts, phase);
          return [store.commit(KEY, setting(`f${at}`), TOUCH), store.commit(KEY, compare, TOUCH)];
        });
        const results = await scheduler.waitFor(Promise.all(work));
        const writes = results.filter((_, at) => at % 2 === 0);
        expect(new Set(writes)).toEqual(new Set(["ok"]));
        expect(results.filter((result, at) => at % 2 === 1 && result === "ok")).toHaveLength(1);
        expect((await names(parts.prepared)).sort()).toEqual(
          ["a", "n", ...each.map((_, at) => `f${at}`)].sort(),
        );
      }),
      RUNS,
    );
  },
);

test("in every order a logout beside a move is not undone", RACE, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.constantFrom("prepare" as const, "move" as const),
      async (scheduler, phase) => {
        const parts = await setup();
        const work = [
          server(scheduler, parts, "move").touch(KEY, TOUCH),
          server(scheduler, parts, "move").commit(KEY, setting("b"), TOUCH),
          server(scheduler, parts, phase).destroy(KEY),
        ];
        await scheduler.waitFor(Promise.all(work as Promise<unknown>[]));
        expect(await parts.prepared.load(KEY)).toBeUndefined();
        expect(await parts.moving.load(KEY)).toBeUndefined();
      },
    ),
    RUNS,
  );
});

test(
  "in every order a rotation beside a move ends the old id and keeps the fields",
  RACE,
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.constantFrom("prepare" as const, "move" as const),
        async (scheduler, phase) => {
          const parts = await setup();
          const work = [
            server(scheduler, parts, "move").touch(KEY, TOUCH),
            server(scheduler, parts, phase).rotate(KEY, NEXT, META, TOUCH),
          ];
          const [, isRotated] = await scheduler.waitFor(Promise.all(work));
          expect(isRotated).toBe(true);
          expect(await names(parts.moving, NEXT)).toEqual(["a"]);
          expect([await names(parts.prepared), await names(parts.moving)]).toEqual([[], []]);
        },
      ),
      RUNS,
    );
  },
);

test("a wrong option is named", () => {
  const [from, to] = [memoryStore(), memoryStore()];
  expect(() => migratingStore({ from, to, phase: "done" as never })).toThrow(
    /phase must be one of/,
  );
  expect(() => migratingStore({ from, to: from, phase: "move" })).toThrow(/two stores/);
  expect(() => migratingStore({ from, too: to, phase: "move" } as never)).toThrow(/"to"/);
  expect(() => migratingStore({ from: {} as never, to, phase: "move" })).toThrow(/from must be/);
});
