/**
 * What is looked at: one scene a row, the same for every library, against a Redis of its own.
 *
 * A scene gives what was seen, not whether that is good: how often the source was asked, whether a
 * value was the one from before the change (1) or not (0), how long a caller waited.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { startRedis } from "@headroom/harness";
import type { FiguresVariant } from "../../src/area.ts";
import type { CacheLibrary, CacheNode, Load } from "./nodes.ts";

type Topology = Awaited<ReturnType<typeof startRedis>>;

/** Longer is taken for ever. */
const FOR_EVER_MS = 4_000;
const CALLERS = 100;
const KEY = "key";

interface Stage {
  readonly redis: Topology;
  open(load: Load): Promise<CacheNode>;
}

function scene<Name extends string>(
  play: (stage: Stage) => Promise<Readonly<Record<Name, number>>>,
): (library: CacheLibrary) => FiguresVariant<Name> {
  return (library) => async (resources) => {
    const redis = resources.use(await startRedis());
    const open = (load: Load) => library.open(redis.primary.direct, load, resources);
    return play({ redis, open });
  };
}

/** A hundred callers at once, of a source that answers and of one that fails. */
export const loads = scene<"100-callers" | "100-failing-callers">(async ({ open }) => {
  let count = 0;
  const good = await open(async () => {
    count++;
    await sleep(20);
    return { version: 1 };
  });
  await Promise.all(Array.from({ length: CALLERS }, () => good.get(KEY)));
  const answered = count;
  count = 0;
  const bad = await open(async () => {
    count++;
    await sleep(20);
    throw new Error("the source is down");
  });
  await Promise.allSettled(Array.from({ length: CALLERS }, () => bad.get("failing")));
  return { "100-callers": answered, "100-failing-callers": count };
});

/** A change and its invalidation while the value from before is being loaded. */
export const stale = scene<"same-node" | "other-node">(async ({ open }) => {
  const midLoad = async (key: string, isOther: boolean): Promise<number> => {
    let version = 1;
    let entered: () => void = () => {};
    const loading = new Promise<void>((resolve) => {
      entered = resolve;
    });
    const load = async () => {
      const read = { version };
      entered();
      await sleep(100);
      return read;
    };
    const [node, other] = [await open(load), await open(load)];
    const first = node.get(key);
    await loading;
    version = 2;
    await (isOther ? other : node).invalidate(key);
    await first;
    await sleep(50);
    return isOld(await node.get(key));
  };
  return { "same-node": await midLoad("same", false), "other-node": await midLoad("other", true) };
});

/** A change of another process, just when this one's connection to the bus is lost. */
export const subscriberDropped = scene<"stale">(async ({ open, redis }) => {
  let version = 1;
  const load = async () => ({ version });
  const [node, other] = [await open(load), await open(load)];
  await sleep(100);
  await node.get(KEY);
  await redis.primary.command("CLIENT", "KILL", "TYPE", "pubsub");
  version = 2;
  await other.invalidate(KEY);
  await sleep(500);
  return { stale: isOld(await node.get(KEY)) };
});

/** Three processes miss the same key at once. */
export const stampede = scene<"3-nodes">(async ({ open }) => {
  let count = 0;
  const load = async () => {
    count++;
    await sleep(100);
    return { version: 1 };
  };
  const nodes = [await open(load), await open(load), await open(load)];
  await Promise.all(nodes.map((node) => node.get(KEY)));
  return { "3-nodes": count };
});

/** A key that nobody has, while Redis does not answer. */
export const frozenRedis = scene<"cold-get">(async ({ open, redis }) => {
  const node = await open(async () => ({ version: 1 }));
  await node.get("warm");
  await redis.primary.pause();
  const waitedMs = await waited(node.get("cold"));
  await redis.primary.resume();
  return { "cold-get": waitedMs };
});

/** The source hangs once; a second caller comes when the first has waited for a while. */
export const hungLoader = scene<"next-caller">(async ({ open }) => {
  let count = 0;
  const load = () =>
    count++ === 0 ? new Promise<never>(() => {}) : Promise.resolve({ version: 1 });
  const node = await open(load);
  node.get(KEY).catch(() => {});
  await sleep(1_000);
  return { "next-caller": await waited(node.get(KEY)) };
});

const VALUES: Readonly<Record<string, unknown>> = {
  date: new Date(0),
  map: new Map([["a", 1]]),
  set: new Set([1]),
  bigint: 1n,
  buffer: Buffer.from("bytes"),
  "not a number": { value: Number.NaN },
};

/** Of six values, how many have their type in the process that did not load them. */
export const types = scene<"kept">(async ({ open }) => {
  const load: Load = async (key) => VALUES[key];
  const [node, other] = [await open(load), await open(async () => "loaded again")];
  let kept = 0;
  for (const [name, value] of Object.entries(VALUES)) {
    const read = await node
      .get(name)
      .then(() => other.get(name))
      .catch(() => undefined);
    if (isSame(read, value)) kept++;
  }
  return { kept };
});

function isSame(read: unknown, value: unknown): boolean {
  if (typeof value !== "object" || value === null) return read === value;
  if (typeof read !== "object" || read === null) return false;
  if (Object.getPrototypeOf(read) !== Object.getPrototypeOf(value)) return false;
  return "value" in value ? "value" in read && Number.isNaN(read.value) : true;
}

function isOld(value: unknown): number {
  return (value as { readonly version?: number } | undefined)?.version === 1 ? 1 : 0;
}

async function waited(promise: Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await Promise.race([promise.catch(() => {}), sleep(FOR_EVER_MS, undefined, { ref: false })]);
  return performance.now() - startMs;
}
