import { createRequire } from "node:module";
import * as EffectRing from "effect/HashRing";
import * as PrimaryKey from "effect/PrimaryKey";

/** What people install today, each as it comes, on nodes `node-0`, `node-1`, … */

export type Locate = (key: string) => unknown;

interface Ring {
  get(key: string): unknown;
}

// CommonJS without types.
const load = createRequire(import.meta.url);
const HashRing: new (nodes: string[]) => Ring = load("hashring");
const HashRingFatelei: new (nodes: string[]) => { getNode(key: string): unknown } =
  load("hash-ring");
const ConsistentHash: new () => { add(node: string): void } & Ring = load("consistent-hash");

export const jumphash: (key: string, buckets: number) => number = load("jumphash");

export function names(n: number): string[] {
  return Array.from({ length: n }, (_, index) => `node-${index}`);
}

export function hashring(n: number): Locate {
  const ring = makeHashring(n);
  return (key) => ring.get(key);
}

/** Its option for no cache, size 0, makes it fail; a cache that keeps nothing does what it means. */
export function hashringWithoutCache(n: number): Locate {
  const ring = Object.assign(makeHashring(n), { cache: { get: () => undefined, set: () => {} } });
  return (key) => ring.get(key);
}

export function makeHashring(n: number): Ring {
  return new HashRing(names(n));
}

export function effectRing(n: number): Locate {
  const nodes = names(n).map((name) => ({ name, [PrimaryKey.symbol]: () => name }));
  const ring = EffectRing.make<(typeof nodes)[number]>();
  EffectRing.addMany(ring, nodes);
  return (key) => EffectRing.get(ring, key)?.name;
}

export function hashRingFatelei(n: number): Locate {
  const ring = new HashRingFatelei(names(n));
  return (key) => ring.getNode(key);
}

export function consistentHash(n: number): Locate {
  const ring = new ConsistentHash();
  for (const name of names(n)) ring.add(name);
  return (key) => ring.get(key);
}
