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
import { requireCount } from "./count.ts";
import type { Key } from "./key.ts";
import { murmur3 } from "./murmur3.ts";
import {
  type Member,
  type Members,
  membersFromJson,
  membersOf,
  membersWith,
  membersWithout,
  type NodeJson,
  nodesOf,
  nodesToJson,
  ownersOf,
  type PlacementNode,
  type RestoreOptions,
} from "./node.ts";

/** An immutable placement of keys on nodes. Nodes in any order give the same one, in every process. */
export interface Ring<Node extends PlacementNode = PlacementNode> {
  readonly kind: "ring";
  /** In the order of their ids. */
  readonly nodes: readonly Node[];
  /** What each of `nodes` weighed when it was placed. */
  readonly weights: readonly number[];
  readonly pointsPerWeight: number;
  /**
   * The node of `key`: one hash and two or three reads of memory, whatever the number of nodes.
   * @throws TypeError when `key` is neither a string nor bytes.
   */
  locate(key: Key): Node;
  /**
   * The first `count` different nodes for `key`, clockwise: its node, then where its copies go.
   * When a node goes away, the others keep their order. All nodes if there are fewer than `count`.
   * @throws RangeError when `count` is not an integer of at least 1; as {@link locate}.
   */
  locateN(key: Key, count: number): Node[];
  /**
   * Every node once, in the order in which `key` would fall to them. Lazy: stop when satisfied.
   * @throws as {@link locate}.
   */
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
 * @throws TypeError when a node has no string id; RangeError when there is no node, an id is empty,
 *   twice or holds a lone surrogate, a weight is not a number from 1e-30 to 1e30, `pointsPerWeight`
 *   is not an integer of at least 1, or the ring would have more than 4,194,304 points (42 MB).
 */
export function createRing(nodes: readonly string[], options?: RingOptions): Ring<string>;
export function createRing<Node extends PlacementNode>(
  nodes: readonly Node[],
  options?: RingOptions,
): Ring<Node>;
export function createRing(nodes: readonly PlacementNode[], options: RingOptions = {}): Ring {
  return ringOf(membersOf(nodes), options.pointsPerWeight);
}

/**
 * The ring that `toJSON` described, with the nodes as `{ id, weight }` or what `nodeOf` makes of them.
 *
 * @throws TypeError or RangeError as {@link createRing}, or when `nodeOf` gives another id.
 */
export function ringFromJson(json: RingJson): Ring<NodeJson>;
export function ringFromJson<Node extends PlacementNode>(
  json: RingJson,
  options: RestoreOptions<Node>,
): Ring<Node>;
export function ringFromJson(json: RingJson, options?: RestoreOptions<PlacementNode>): Ring {
  return ringOf(membersFromJson(json.nodes, options), json.pointsPerWeight);
}

function ringOf(members: Members, pointsPerWeight = 160): Ring {
  requireCount("pointsPerWeight", pointsPerWeight);
  requirePointCount(members, pointsPerWeight);
  const pointsByNode = members.map((member) => pointsOf(member, pointsPerWeight));
  return new PointRing(members, pointsPerWeight, createContinuum(pointsByNode));
}

class PointRing<Node extends PlacementNode> implements Ring<Node> {
  readonly kind = "ring";
  readonly nodes: readonly Node[];
  readonly weights: readonly number[];
  readonly pointsPerWeight: number;
  readonly #members: Members<Node>;
  readonly #owners: readonly Node[];
  readonly #continuum: Continuum;

  constructor(members: Members<Node>, pointsPerWeight: number, continuum: Continuum) {
    this.nodes = nodesOf(members);
    this.weights = Object.freeze(members.map(({ weight }) => weight));
    this.#owners = ownersOf(members);
    this.pointsPerWeight = pointsPerWeight;
    this.#members = members;
    this.#continuum = continuum;
    Object.freeze(this);
  }

  locate(key: Key): Node {
    return this.#owners[this.#continuum.ownerAt(murmur3(key))] as Node;
  }

  locateN(key: Key, count: number): Node[] {
    requireCount("count", count);
    const owners = this.#continuum.firstOwners(murmur3(key), count);
    return owners.map((owner) => this.#owners[owner] as Node);
  }

  clockwise(key: Key): Generator<Node, void, undefined> {
    return this.#nodesFrom(murmur3(key));
  }

  *#nodesFrom(position: number): Generator<Node, void, undefined> {
    let left = this.nodes.length;
    for (const owner of this.#continuum.ownersFrom(position)) {
      yield this.#owners[owner] as Node;
      left--;
      if (left === 0) return;
    }
  }

  *ranges(): Generator<RingRange<Node>, void, undefined> {
    for (const { start, end, owner } of this.#continuum.ranges()) {
      yield { start, end, node: this.#owners[owner] as Node };
    }
  }

  with(node: Node): Ring<Node> {
    const members = membersWith(this.#members, node);
    requirePointCount(members, this.pointsPerWeight);
    const owner = members.findIndex((member) => member.node === node);
    const points = pointsOf(members[owner] as Member, this.pointsPerWeight);
    return new PointRing(members, this.pointsPerWeight, this.#continuum.insert(owner, points));
  }

  without(id: string): Ring<Node> {
    const members = membersWithout(this.#members, id);
    const owner = this.#members.findIndex((member) => member.id === id);
    return new PointRing(members, this.pointsPerWeight, this.#continuum.remove(owner));
  }

  toJSON(): RingJson {
    return { pointsPerWeight: this.pointsPerWeight, nodes: nodesToJson(this.#members) };
  }
}

function pointCount({ weight }: Member, pointsPerWeight: number): number {
  return Math.max(1, Math.round(weight * pointsPerWeight));
}

/**
 * The first points of the node's series: every `step`-th number from `start` on, mixed. Both come
 * from the id, so that two series which meet in one point part again at once.
 */
function pointsOf(member: Member, pointsPerWeight: number): Uint32Array {
  const start = murmur3(member.id, 1);
  const step = murmur3(member.id, 2) | 1;
  const points = new Uint32Array(pointCount(member, pointsPerWeight));
  for (let i = 0; i < points.length; i++) {
    // Of the empty text murmur3 is the bare mixing of the seed, which maps no two seeds to one.
    points[i] = murmur3("", start + Math.imul(i, step));
  }
  return points;
}

function requirePointCount(members: Members, pointsPerWeight: number): void {
  let count = 0;
  for (const member of members) count += pointCount(member, pointsPerWeight);
  if (count <= MAX_POINTS) return;
  throw new RangeError(
    `A ring must have at most ${MAX_POINTS} points, got ${count}: ` +
      `lower the weights or pointsPerWeight (${pointsPerWeight})`,
  );
}
