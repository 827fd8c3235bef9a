/**
 * How right each placement is: numbers that keys and nodes give, without a clock.
 *
 * A figure is worked out once for each placement, however many cases it stands in: some peers take
 * a third of a millisecond to find a key.
 */
import { seededRandom } from "@headroom/core/random";
import {
  createBuckets,
  createKetama,
  createMaglev,
  createRendezvous,
  createRing,
} from "@headroom/hashing";
import * as EffectRing from "effect/HashRing";
import { KEYS } from "./keys.ts";
import {
  effectNode,
  makeConsistentHash,
  makeEffectRing,
  makeHashRingOfFatelei,
  makeHashring,
  type Node,
  nodes,
} from "./peers.ts";

type Locate = (key: string) => unknown;

interface Placement {
  readonly locate: Locate;
  /** Adds a node, each in its own way. */
  grow(node: Node): Locate;
  /** Where not all keys can be placed in reasonable time. */
  readonly keys?: readonly string[];
}

type Place = (nodes: readonly Node[]) => Placement;

interface Ours {
  locate(key: string): Node;
  with(node: Node): Ours;
}

const ours =
  (create: (nodes: readonly Node[]) => Ours): Place =>
  (of) => {
    const placement = create(of);
    return {
      locate: (key) => placement.locate(key).id,
      grow: (node) => {
        const grown = placement.with(node);
        return (key) => grown.locate(key).id;
      },
    };
  };

export const OURS = {
  buckets: ours((of) => createBuckets(of)),
  ring: ours((of) => createRing(of)),
  maglev: ours((of) => createMaglev(of)),
  rendezvous: ours((of) => createRendezvous(of)),
  ketama: ours((of) => createKetama(of)),
} satisfies Record<string, Place>;

/** hash-ring takes no weights, and consistent-hash none above about 50: it finds no free point. */
export const WEIGHTED_PEERS = {
  "hashring 3.2": (of) => {
    const ring = makeHashring(of);
    const locate = (key: string) => ring.get(key);
    return {
      locate,
      grow: ({ id }) => {
        ring.add(id);
        return locate;
      },
    };
  },
  "effect HashRing": (of) => {
    const ring = makeEffectRing(of);
    const locate = (key: string) => EffectRing.get(ring, key)?.id;
    return {
      locate,
      grow: (node) => {
        EffectRing.add(ring, effectNode(node));
        return locate;
      },
    };
  },
} satisfies Record<string, Place>;

export const PEERS = {
  ...WEIGHTED_PEERS,
  "consistent-hash 1.2": (of) => {
    const ring = makeConsistentHash(of);
    const locate = (key: string) => ring.get(key);
    return {
      locate,
      grow: ({ id, weight }) => {
        ring.add(id, 40 * weight);
        return locate;
      },
    };
  },
  "hash-ring 1.0 (2,048 keys)": (of) => {
    const ring = makeHashRingOfFatelei(of);
    const locate = (key: string) => ring.getNode(key);
    return {
      locate,
      grow: ({ id }) => {
        ring.addNode(id);
        return locate;
      },
      keys: KEYS.slice(0, 2048),
    };
  },
} satisfies Record<string, Place>;

/** The load of the fullest of `n` nodes, 1 being its part. */
export function maxOverMean(n: number, place: Place): number {
  const { locate, keys = KEYS } = place(nodes(n));
  return Math.max(...countsOf(locate, keys).values()) / (keys.length / n);
}

/** {@link maxOverMean} of keys that go to any node by chance: equal shares, and no table. */
export function maxOverMeanOfChance(n: number): number {
  const random = seededRandom(2);
  return maxOverMean(n, () => ({ locate: () => Math.floor(random() * n), grow: () => () => n }));
}

/** The share of the keys that are elsewhere when a node was added to `n`. */
export function movedShare(n: number, place: Place): number {
  const { locate, grow, keys = KEYS } = place(nodes(n));
  const before = keys.map(locate);
  const after = grow({ id: `node-${n}`, weight: 1 });
  return changed(before, keys.map(after));
}

/** The share of the keys that another process places elsewhere, which lists the nodes backwards. */
export function disagreement(n: number, place: Place): number {
  const { locate, keys = KEYS } = place(nodes(n));
  const other = place(nodes(n).toReversed());
  return changed(keys.map(locate), keys.map(other.locate));
}

/** What the worst off of three nodes of weight 1 beside one of weight 200 has of its due. */
export function lightest(place: Place): number {
  const weighted = nodes(4).map((node, index) => ({ ...node, weight: index < 3 ? 1 : 200 }));
  const { locate, keys = KEYS } = place(weighted);
  const counts = countsOf(locate, keys);
  const light = weighted.slice(0, 3).map(({ id }) => counts.get(id) ?? 0);
  return Math.min(...light) / (keys.length / 203);
}

/** `figure` of these peers, each worked out when it is first asked for and then kept. */
export function figureOf<Peer extends string>(
  peers: Readonly<Record<Peer, Place>>,
  figure: (place: Place) => number,
): Record<Peer, () => number> {
  const once = (place: Place): (() => number) => {
    let known: number | undefined;
    return () => {
      known ??= figure(place);
      return known;
    };
  };
  const entries = Object.entries<Place>(peers).map(([name, place]) => [name, once(place)]);
  return Object.fromEntries(entries) as Record<Peer, () => number>;
}

/** What one more costs, of many kept alive; typed arrays are outside of the heap. */
export function bytesEach(make: () => unknown): number {
  const collect = globalThis.gc;
  if (!collect) throw new Error("Measuring memory takes node --expose-gc");
  const used = (): number => {
    collect();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const kept = [make()];
  const before = used();
  for (let count = 0; count < 20; count += 1) kept.push(make());
  return (used() - before) / (kept.length - 1);
}

function countsOf(locate: Locate, keys: readonly string[]): Map<unknown, number> {
  const counts = new Map<unknown, number>();
  for (const key of keys) {
    const node = locate(key);
    counts.set(node, (counts.get(node) ?? 0) + 1);
  }
  return counts;
}

function changed(before: readonly unknown[], after: readonly unknown[]): number {
  return before.filter((node, index) => node !== after[index]).length / before.length;
}
