/**
 * A hash ring: each node takes the keys between the point before and its own.
 *
 * `hash(key) % n` sends nearly every key elsewhere when n changes. On a ring a key belongs to the
 * first point clockwise of its hash, and a node's points depend on nothing but that node. So a node
 * that comes takes keys only for itself, from all others alike; one that goes leaves its keys
 * to the others; and no key ever moves between two nodes that stayed.
 *
 * A node has `weight × pointsPerWeight` points: its first so many of an endless series. Weights are
 * therefore absolute, and raising one only adds points, which take keys for that node alone. (In
 * ketama weights are relative: there every node's points change when one weight does.)
 *
 * What a ring does not give is an even load. A node's share is a sum of random gaps, so with p points
 * it is off by about 1/√p: 8 % at 160 points, and the fullest of 1000 nodes holds 1.3 times its part.
 * More points cost memory; for an even share take maglev or buckets. And no placement helps when
 * one key is hot: for that see `bounded-load.ts`.
 *
 * Sources: D. Karger et al., "Consistent Hashing and Random Trees", STOC 1997; 160 points are
 * ketama's. The circle and its search are in `continuum.ts`.
 */

import { type Continuum, createContinuum, MAX_POINTS } from "./continuum.ts";
import type { Key } from "./key.ts";
import { type NodeJson, nodesWith, nodesWithout, type Placed } from "./membership.ts";
import { murmur3 } from "./murmur3.ts";
import { idOf, type PlacementNode, requireNodes, weightOf } from "./node.ts";

/** An immutable placement of keys on nodes. Nodes in any order give the same one, in every process. */
export interface Ring<Node extends PlacementNode = PlacementNode> {
  /** In the order of their ids. */
  readonly nodes: readonly Node[];
  readonly pointsPerWeight: number;
  /**
   * The node of `key`: one hash and two or three reads of memory, whatever the number of nodes.
   * @throws TypeError when `key` is neither a string nor bytes.
   */
  locate(key: Key): Node;
  /**
   * The first `count` different nodes for `key`, clockwise: its node, then where its copies go.
   * When a node goes away, the others keep their order. All nodes if there are fewer than `count`.
   * @throws RangeError when `count` is not a whole number of at least 1; as {@link locate}.
   */
  locateN(key: Key, count: number): Node[];
  /** Every node once, in the order in which `key` would fall to them. Lazy: stop when satisfied. */
  clockwise(key: Key): Generator<Node, void, undefined>;
  /** The whole hash space from 0 to 2^32, in order; neighbours are at different nodes. */
  ranges(): Generator<RingRange<Node>, void, undefined>;
  /**
   * The ring with one more node; to change a weight, `ring.without(id).with(node)`. Hashes only the
   * points of that node; the rest is copied, in time linear in the points.
   * @throws RangeError when a node with that id is already placed; as {@link createRing}.
   */
  with(node: Node): Ring<Node>;
  /**
   * The ring without the node that has this id. Hashes nothing; linear in the points.
   * @throws RangeError when no node has that id, or it is the last one.
   */
  without(id: string): Ring<Node>;
  /** `{ pointsPerWeight: 160, nodes: [{ id: "a", weight: 1 }] }`: the points follow from it. */
  toJSON(): RingJson;
}

export interface RingOptions {
  /**
   * How many points a node of weight 1 has. Twice as many make shares more even by √2, and cost
   * twice the memory (10 to 14 bytes a point). Changing it moves keys between all nodes.
   * @default 160
   */
  readonly pointsPerWeight?: number | undefined;
}

/** The keys whose `murmur3` is from `start` up to, not including, `end` are at `node`. */
export interface RingRange<Node extends PlacementNode = PlacementNode> {
  readonly start: number;
  readonly end: number;
  readonly node: Node;
}

export interface RingJson {
  readonly pointsPerWeight: number;
  readonly nodes: readonly NodeJson[];
}

/**
 * A consistent-hash ring of `nodes`, which may be listed in any order.
 *
 * A weight may be any fraction, but a node has at least one point: a weight below
 * `1 / pointsPerWeight` counts as that much.
 *
 * @throws TypeError when a node has no string id; RangeError when there is no node, an id is empty
 *   or twice, a weight is not a finite number above 0, `pointsPerWeight` is not a whole number of at
 *   least 1, or the ring would have more than 4,194,304 points (42 MB).
 */
export function createRing<Node extends PlacementNode>(
  nodes: readonly Node[],
  options: RingOptions = {},
): Ring<Placed<Node>> {
  const { pointsPerWeight = 160 } = options;
  requireWhole("pointsPerWeight", pointsPerWeight);
  const sorted = requireNodes(nodes as readonly unknown[] as readonly Placed<Node>[]);
  requirePointCount(sorted, pointsPerWeight);
  const pointsByNode = sorted.map((node) => pointsOf(node, pointsPerWeight));
  return new PointRing(sorted, pointsPerWeight, createContinuum(pointsByNode));
}

/**
 * The ring that `toJSON` described, with the nodes as `{ id, weight }`.
 *
 * @throws TypeError or RangeError as {@link createRing}.
 */
export function ringFromJson(json: RingJson): Ring<NodeJson> {
  return createRing(json.nodes, { pointsPerWeight: json.pointsPerWeight });
}

class PointRing<Node extends PlacementNode> implements Ring<Node> {
  readonly nodes: readonly Node[];
  readonly pointsPerWeight: number;
  readonly #continuum: Continuum;

  constructor(nodes: readonly Node[], pointsPerWeight: number, continuum: Continuum) {
    this.nodes = nodes;
    this.pointsPerWeight = pointsPerWeight;
    this.#continuum = continuum;
  }

  locate(key: Key): Node {
    return this.nodes[this.#continuum.ownerAt(murmur3(key))] as Node;
  }

  locateN(key: Key, count: number): Node[] {
    requireWhole("count", count);
    const found: Node[] = [];
    for (const node of this.clockwise(key)) {
      found.push(node);
      if (found.length === count) break;
    }
    return found;
  }

  *clockwise(key: Key): Generator<Node, void, undefined> {
    let left = this.nodes.length;
    for (const owner of this.#continuum.ownersFrom(murmur3(key))) {
      yield this.nodes[owner] as Node;
      left--;
      if (left === 0) return;
    }
  }

  *ranges(): Generator<RingRange<Node>, void, undefined> {
    for (const { start, end, owner } of this.#continuum.ranges()) {
      yield { start, end, node: this.nodes[owner] as Node };
    }
  }

  with(node: Node): Ring<Node> {
    const nodes = requireNodes(nodesWith(this.nodes, node));
    requirePointCount(nodes, this.pointsPerWeight);
    const points = pointsOf(node, this.pointsPerWeight);
    const continuum = this.#continuum.insert(nodes.indexOf(node), points);
    return new PointRing(nodes, this.pointsPerWeight, continuum);
  }

  without(id: string): Ring<Node> {
    const nodes = nodesWithout(this.nodes, id);
    const owner = this.nodes.findIndex((node) => idOf(node) === id);
    const continuum = this.#continuum.remove(owner);
    return new PointRing(Object.freeze(nodes), this.pointsPerWeight, continuum);
  }

  toJSON(): RingJson {
    const nodes = this.nodes.map((node) => ({ id: idOf(node), weight: weightOf(node) }));
    return { pointsPerWeight: this.pointsPerWeight, nodes };
  }
}

function pointCount(node: PlacementNode, pointsPerWeight: number): number {
  return Math.max(1, Math.round(weightOf(node) * pointsPerWeight));
}

/**
 * The first points of the node's series: every `step`-th number from `start` on, mixed. Both come
 * from the id, so that two series which meet in one point part again at once.
 */
function pointsOf(node: PlacementNode, pointsPerWeight: number): Uint32Array {
  const id = idOf(node);
  const start = murmur3(id, 1);
  const step = murmur3(id, 2) | 1;
  const points = new Uint32Array(pointCount(node, pointsPerWeight));
  for (let i = 0; i < points.length; i++) {
    // Of the empty text murmur3 is the bare mixing of the seed, which maps no two seeds to one.
    points[i] = murmur3("", start + Math.imul(i, step));
  }
  return points;
}

function requirePointCount(nodes: readonly PlacementNode[], pointsPerWeight: number): void {
  let count = 0;
  for (const node of nodes) count += pointCount(node, pointsPerWeight);
  if (count <= MAX_POINTS) return;
  throw new RangeError(
    `A ring must have at most ${MAX_POINTS} points, got ${count}: ` +
      `lower the weights or pointsPerWeight (${pointsPerWeight})`,
  );
}

function requireWhole(name: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 1) return;
  throw new RangeError(`${name} must be a whole number of at least 1, got ${String(value)}`);
}
