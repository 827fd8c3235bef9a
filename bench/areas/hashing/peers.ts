/** What people install today, each as it comes. */
import { createRequire } from "node:module";
import * as EffectRing from "effect/HashRing";
import * as PrimaryKey from "effect/PrimaryKey";

export interface Node {
  readonly id: string;
  readonly weight: number;
}

export interface HashRing {
  get(key: string): string;
  add(name: string): void;
}

// CommonJS without types.
const load = createRequire(import.meta.url);
const HashRingClass: new (servers: Record<string, number>) => HashRing = load("hashring");
const HashRingOfFatelei: new (
  names: string[],
) => { getNode(key: string): string; addNode(name: string): void } = load("hash-ring");
const ConsistentHash: new () => {
  get(key: string): string;
  add(name: string, points: number): void;
} = load("consistent-hash");

export const jumphash: (key: string, buckets: number) => number = load("jumphash");
export const clusterKeySlot: (key: string) => number = load("cluster-key-slot");

/** `node-0`, `node-1`, … of weight 1. */
export function nodes(n: number): Node[] {
  return Array.from({ length: n }, (_, index) => ({ id: `node-${index}`, weight: 1 }));
}

export function makeHashring(of: readonly Node[]): HashRing {
  return new HashRingClass(Object.fromEntries(of.map(({ id, weight }) => [id, weight])));
}

/** Its option for no cache, size 0, makes it fail; a cache that keeps nothing does what it means. */
export function makeHashringWithoutCache(of: readonly Node[]): HashRing {
  const cache = { get: () => undefined, set: () => {}, reset: () => {} };
  return Object.assign(makeHashring(of), { cache });
}

export function makeHashRingOfFatelei(of: readonly Node[]) {
  return new HashRingOfFatelei(of.map(({ id }) => id));
}

/** A node of weight 1 has 40 points, its default. */
export function makeConsistentHash(of: readonly Node[]) {
  const ring = new ConsistentHash();
  for (const { id, weight } of of) ring.add(id, 40 * weight);
  return ring;
}

export type EffectNode = Node & PrimaryKey.PrimaryKey;

export function effectNode(node: Node): EffectNode {
  return { ...node, [PrimaryKey.symbol]: () => node.id };
}

export function makeEffectRing(of: readonly Node[]): EffectRing.HashRing<EffectNode> {
  const ring = EffectRing.make<EffectNode>();
  for (const node of of) EffectRing.add(ring, effectNode(node), { weight: node.weight });
  return ring;
}
