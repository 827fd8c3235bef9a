/**
 * Every order in which things can happen, as far as chance finds it: processes read, change,
 * invalidate and load one source, while requests and replies of the store are held, lost and
 * answered late, messages of the bus are held and lost, and time passes.
 *
 * What must hold, whatever the order:
 *
 * - **Own invalidations.** A read that starts after `invalidate`, `invalidateTags`, `clear` or `set`
 *   of the same process has resolved never returns a version older than the source had when that
 *   was called; also when the store could not be reached.
 * - **Those of others**, if the store took them: the same, from the moment no message is under way.
 * - **In the end**, when everything is connected again, every process returns what the source has.
 * - **Everybody is answered**: no read waits for ever.
 */

import { createManualClock } from "@headroom/core/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { BusProvider } from "./bus.ts";
import { createCache } from "./cache.ts";
import { memoryBus } from "./memory-bus.ts";
import { type MemoryStoreProvider, memoryStore } from "./memory-store.ts";
import type { CacheStore, Fill, StoreProvider } from "./store.ts";

const KEYS = ["x", "y"] as const;
type Key = (typeof KEYS)[number];

type Command =
  | { readonly do: "get"; readonly node: number; readonly key: Key }
  | { readonly do: "getMany"; readonly node: number }
  | { readonly do: "change"; readonly key: Key }
  | {
      readonly do: "invalidate";
      readonly node: number;
      readonly key: Key;
      readonly holdForMs: number;
    }
  | { readonly do: "set"; readonly node: number; readonly key: Key }
  | { readonly do: "tag" | "clear" | "refresh"; readonly node: number; readonly key: Key }
  | { readonly do: "advance"; readonly ms: number }
  | { readonly do: "break"; readonly what: "request" | "reply" | "message" | "load" }
  | { readonly do: "flush" };

const NODES = 3;
const node = fc.nat(NODES - 1);
const key = fc.constantFrom(...KEYS);
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant("get" as const), node, key }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("getMany" as const), node }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("change" as const), key }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("invalidate" as const),
      node,
      key,
      holdForMs: fc.constantFrom(0, 0, 50),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("set" as const), node, key }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom("tag", "clear", "refresh" as const), node, key }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("advance" as const),
      ms: fc.constantFrom(1, 20, 150, 1_500),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("break" as const),
      what: fc.constantFrom("request", "reply", "message", "load" as const),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: "flush" as const }) },
);

/** A command, and how many held things go on after it. */
const script = fc.array(fc.tuple(command, fc.nat(6)), { maxLength: 40, size: "max" });

interface Variant {
  /** Messages arrive at once and always: then what one process invalidates, no other may return. */
  readonly promptBus: boolean;
  readonly faults: boolean;
  /** Breaks one rule; for the test of this checker. */
  readonly sabotage?: "fills-without-lease" | "silent-bus" | "forgets-pending";
}

async function run(
  s: fc.Scheduler,
  steps: readonly (readonly [Command, number])[],
  variant: Variant,
): Promise<void> {
  const clock = createManualClock();
  let failNext: string | undefined;
  let draining = false;
  const held = async (label: "request" | "reply" | "message" | "load"): Promise<void> => {
    if (!draining) await s.schedule(Promise.resolve(), label);
    if (failNext !== label || draining) return;
    failNext = undefined;
    throw new Error(`${label} lost`);
  };
  const store = memoryStore({
    link: {
      request: () => held("request"),
      reply: () => held("reply"),
      message: () => (variant.promptBus ? Promise.resolve() : held("message")),
    },
  });
  const version = new Map<string, number>(KEYS.map((each) => [each, 1]));
  const floors = Array.from({ length: NODES }, () => new Map<string, number>());
  const raise = (index: number, each: Key, to: number): void => {
    const floor = floors[index];
    floor?.set(each, Math.max(to, floor.get(each) ?? 0));
  };
  const nodes = Array.from({ length: NODES }, () => {
    const cache = createCache({
      ...sabotaged(store, variant),
      clock,
      random: () => 0.5,
      leaseMs: 500,
    });
    const definition = cache.define<Key, number>("v", {
      ttlMs: 1_000,
      staleWhileRevalidateMs: 500,
      staleIfErrorMs: 5_000,
      softTimeoutMs: 100,
      errorThrottleMs: 10,
      waitForLoadMs: 300,
      loadTimeoutMs: 2_000,
      tags: () => ["all"],
      load: async (id) => {
        await held("load");
        const value = version.get(id);
        await held("load");
        return value;
      },
    });
    return { cache, definition };
  });
  await clock.advance(0);

  const reads: Promise<unknown>[] = [];
  const violations: string[] = [];
  const check = (index: number, each: Key, floor: number, got: number | undefined): void => {
    if (got !== undefined && got < floor)
      violations.push(`node ${index} read ${each}: ${got} < ${floor}`);
  };
  const read = (index: number, each: Key): void => {
    const floor = floors[index]?.get(each) ?? 0;
    const reading = nodes[index]?.definition.get(each).then(
      (got) => check(index, each, floor, got),
      () => {},
    );
    if (reading !== undefined) reads.push(reading);
  };
  let changes = 0;
  let changing = 0;
  const writing = new Map<Key, number>(KEYS.map((each) => [each, 0]));
  const isWriting = (each: Key): boolean => (writing.get(each) ?? 0) > 0;
  /** A write carries a value of its own: which of several changes at a time wins, nobody promises. */
  const write = async (
    index: number,
    each: Key,
    to: number,
    set: Promise<{ status: string }>,
  ): Promise<void> => {
    const before = ++changes;
    const alone = changing === 0 && !isWriting(each);
    writing.set(each, (writing.get(each) ?? 0) + 1);
    const outcome = await set.catch(() => undefined);
    writing.set(each, (writing.get(each) ?? 0) - 1);
    if (outcome === undefined || !alone || changes !== before) return;
    for (let other = 0; other < NODES; other++) {
      if (other === index || (outcome.status === "done" && variant.promptBus))
        raise(other, each, to);
    }
  };
  /** When it has resolved, no read that starts on this node may be older; on others if it was done. */
  const changed = (
    index: number,
    keys: readonly Key[],
    change: Promise<{ status: string } | undefined>,
  ): void => {
    const at = new Map(
      keys.filter((each) => !isWriting(each)).map((each) => [each, version.get(each) ?? 0]),
    );
    changes++;
    changing++;
    reads.push(
      change.then(
        (outcome) => {
          changing--;
          if (outcome === undefined) return;
          for (const [each, to] of at) {
            if (isWriting(each)) continue;
            raise(index, each, to);
            if (outcome?.status !== "done" || !variant.promptBus) continue;
            for (let other = 0; other < NODES; other++) raise(other, each, to);
          }
        },
        () => {
          changing--;
        },
      ),
    );
  };
  const perform = async (each: Command): Promise<void> => {
    const at = "node" in each ? nodes[each.node] : undefined;
    switch (each.do) {
      case "get":
        return read(each.node, each.key);
      case "getMany": {
        const floor = new Map(floors[each.node]);
        const reading = at?.definition.getMany(KEYS).then(
          (got) => {
            for (const one of KEYS) check(each.node, one, floor.get(one) ?? 0, got.get(one));
          },
          () => {},
        );
        if (reading !== undefined) reads.push(reading);
        return;
      }
      case "change":
        version.set(each.key, (version.get(each.key) ?? 0) + 1);
        return;
      case "invalidate":
        version.set(each.key, (version.get(each.key) ?? 0) + 1);
        return changed(
          each.node,
          [each.key],
          at?.definition.invalidate(each.key, { holdForMs: each.holdForMs }) ??
            Promise.resolve(undefined),
        );
      case "set": {
        const next = (version.get(each.key) ?? 0) + 1;
        version.set(each.key, next);
        if (at !== undefined)
          reads.push(write(each.node, each.key, next, at.definition.set(each.key, next)));
        return;
      }
      case "tag":
      case "clear":
        for (const one of KEYS) version.set(one, (version.get(one) ?? 0) + 1);
        return changed(
          each.node,
          KEYS,
          (each.do === "tag" ? at?.cache.invalidateTags(["all"]) : at?.cache.clear("v")) ??
            Promise.resolve(undefined),
        );
      case "refresh": {
        const floor = version.get(each.key) ?? 0;
        const refreshing = at?.definition.refresh(each.key).then(
          (got) => check(each.node, each.key, floor, got),
          () => {},
        );
        if (refreshing !== undefined) reads.push(refreshing);
        return;
      }
      case "advance":
        return clock.advance(each.ms);
      case "break":
        if (variant.faults) failNext = each.what;
        return;
      case "flush":
        return store.flush();
    }
  };

  for (const [each, goOn] of steps) {
    await perform(each);
    await clock.advance(0);
    for (let step = 0; step < goOn && s.count() > 0; step++) {
      await s.waitOne();
      await clock.advance(0);
    }
  }
  // Everything is connected again: what is held goes on, and time passes.
  draining = true;
  for (let round = 0; round < 30; round++) {
    while (s.count() > 0) {
      await s.waitOne();
      await clock.advance(0);
    }
    await clock.advance(500);
  }
  const settled = await Promise.race([
    Promise.all(reads).then(() => true),
    clock.advance(1).then(() => false),
  ]);
  expect(settled, "everybody is answered").toBe(true);
  expect(violations).toEqual([]);
  for (const { cache } of nodes) await cache.invalidateTags(["all"]);
  for (const each of KEYS) {
    for (const { definition } of nodes) expect(await definition.get(each)).toBe(version.get(each));
  }
  for (const { cache } of nodes) {
    expect(cache.stats().pendingInvalidations).toBe(0);
    await cache.close();
  }
  expect(clock.pending).toBe(0);
}

/** The store and its bus, with the rule broken that the variant names. */
function sabotaged(
  store: MemoryStoreProvider,
  { sabotage }: Variant,
): { l2: StoreProvider; bus: BusProvider } {
  const bus = memoryBus(store);
  switch (sabotage) {
    case "fills-without-lease":
      return {
        bus,
        l2: (context) => {
          const honest = store(context);
          return changedIn(honest, {
            fill: async (fills: readonly Fill[]) => {
              await honest.write(fills.map((fill) => ({ ...fill, partition: 0 })));
              return fills.map(() => true);
            },
          });
        },
      };
    case "silent-bus":
      return {
        l2: store,
        bus: () => ({
          name: "silent",
          start: (listener) => listener.synced(0),
          close: async () => {},
        }),
      };
    case "forgets-pending":
      return {
        bus,
        l2: (context) => {
          const honest = store(context);
          return changedIn(honest, {
            invalidate: (keys: readonly string[], options: { holdForMs: number }) =>
              honest.invalidate(keys, options).catch(() => {}),
          });
        },
      };
    default:
      return { l2: store, bus };
  }
}

function changedIn(honest: CacheStore, changes: Partial<CacheStore>): CacheStore {
  return new Proxy(honest, {
    get(target, name) {
      const own = Reflect.get(changes, name) ?? Reflect.get(target, name);
      return typeof own === "function" ? own.bind(target) : own;
    },
  });
}

const SEED = Number(process.env["HEADROOM_SEED"] ?? 20_261_124);
const RUNS = 400;

test.each<[string, Variant]>([
  ["without faults, with a bus that is prompt", { promptBus: true, faults: false }],
  [
    "with requests, replies and loads lost, and a bus that is prompt",
    { promptBus: true, faults: true },
  ],
  ["with everything held and lost", { promptBus: false, faults: true }],
])(
  "no read is older than an invalidation before it: %s",
  async (_name, variant) => {
    console.log(`seed ${SEED}`);
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), script, (s, steps) => run(s, steps, variant)),
      { seed: SEED, numRuns: RUNS, interruptAfterTimeLimit: 40_000 },
    );
  },
  120_000,
);

test.each<[Variant["sabotage"] & string, Omit<Variant, "sabotage">]>([
  ["fills-without-lease", { promptBus: true, faults: false }],
  ["silent-bus", { promptBus: true, faults: false }],
  ["forgets-pending", { promptBus: true, faults: true }],
])(
  "the checker sees a cache that breaks a rule: %s",
  async (sabotage, variant) => {
    const found = await fc.check(
      fc.asyncProperty(fc.scheduler(), script, (s, steps) =>
        run(s, steps, { ...variant, sabotage }),
      ),
      { seed: SEED, numRuns: 2_000, endOnFailure: true },
    );
    expect(String(found.errorInstance)).toMatch(/node \d read [xy]: \d+ < \d+/);
  },
  120_000,
);
