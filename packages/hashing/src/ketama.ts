/**
 * Ketama: the ring that memcached clients have shared since 2007, point for point.
 *
 * For whoever has data placed by it: a cache that PHP, Python and Node read together, or an app that
 * leaves npm `hashring` and does not want to start with a cold cache. For anything new take
 * `ring.ts`, because ketama has three defects that compatibility keeps:
 *
 * - Weights are relative. A node has `40 × n × weight / total` digests of 4 points, so when one node
 *   comes or changes its weight, the points of all others change too, and some keys move between
 *   nodes that had no part in it. A node with very little of the total has no points and no keys.
 * - That product is rounded down after a floating-point division, and every program does the division
 *   in its own precision: 40 × 7 × 1/7 is 40 for one and 39.999… for another. So "ketama" is several
 *   rings. {@link KetamaDialect} names whose to make; the default is libketama's own.
 * - MD5 for every lookup, at many times the cost of murmur3.
 *
 * A server's label is its id: `10.0.1.1:11211-0`, `-1`, … . libmemcached leaves out the port
 * when it is 11211 (as `hashring` does for its option `default port`): give such a node the id `10.0.1.1`.
 *
 * Sources, for the digests of each dialect: RJ/ketama `libketama/ketama.c` (ketama_create_continuum),
 * libmemcached `libmemcached/hosts.cc` (update_continuum), npm hashring 3.2 `index.js`, PyPI
 * hash_ring 1.3 `ring.py`. Where two points collide, those programs keep the order of a sort that
 * is not stable or of their configuration; here the lower id wins, in whatever order they are listed.
 */

import { hash } from "node:crypto";
import { type Continuum, createContinuum, MAX_POINTS } from "./continuum.ts";
import { isBytes, type Key, refuseKey } from "./key.ts";
import {
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
  quoted,
  type RestoreOptions,
} from "./node.ts";

/** An immutable placement of keys on nodes. Nodes in any order give the same one, in every process. */
export interface Ketama<Node extends PlacementNode = PlacementNode> {
  readonly kind: "ketama";
  /** In the order of their ids. */
  readonly nodes: readonly Node[];
  readonly dialect: KetamaDialect;
  /** The node of `key`. @throws TypeError when `key` is neither a string nor bytes. */
  locate(key: Key): Node;
  /** The whole hash space from 0 to 2^32, in order; neighbours are at different nodes. */
  ranges(): Generator<KetamaRange<Node>, void, undefined>;
  /**
   * The ring with one more node, built anew: every node's points depend on the number of nodes.
   * @throws RangeError when a node with that id is already placed; as {@link createKetama}.
   */
  with(node: Node): Ketama<Node>;
  /**
   * The ring without the node that has this id, built anew.
   * @throws RangeError when no node has that id, or it is the last one.
   */
  without(id: string): Ketama<Node>;
  /** `{ dialect: "libketama", nodes: [{ id: "10.0.1.1:11211", weight: 1 }] }` */
  toJSON(): KetamaJson;
}

/**
 * Which program's points to make:
 * - `libketama`: the original C library and what links to it (PHP, Python `ketama`).
 * - `libmemcached`: with `KETAMA_WEIGHTED`; pylibmc, PHP `memcached`.
 * - `hashring`: npm hashring 3.2 without options. Differs from libketama for 7, 14, 28, 49, … equal nodes.
 * - `hash_ring`: PyPI hash_ring, with 3 points a digest and exact division.
 */
export type KetamaDialect = "libketama" | "libmemcached" | "hashring" | "hash_ring";

export interface KetamaOptions {
  /** @default "libketama" */
  readonly dialect?: KetamaDialect | undefined;
}

/** The keys whose {@link ketamaHash} is from `start` up to, not including, `end` are at `node`. */
export interface KetamaRange<Node extends PlacementNode = PlacementNode> {
  readonly start: number;
  readonly end: number;
  readonly node: Node;
}

export interface KetamaJson {
  readonly dialect: KetamaDialect;
  readonly nodes: readonly NodeJson[];
}

/**
 * A ring that places every key where libketama, or the named other program, does.
 *
 * @throws TypeError when a node has no string id; RangeError when there is no node, an id is empty,
 *   twice or holds a lone surrogate, a weight is not an integer of at least 1 (those programs have
 *   no others), the weights add up to 2^53 or more, `dialect` is unknown, or there are more than
 *   26,214 nodes.
 */
export function createKetama(nodes: readonly string[], options?: KetamaOptions): Ketama<string>;
export function createKetama<Node extends PlacementNode>(
  nodes: readonly Node[],
  options?: KetamaOptions,
): Ketama<Node>;
export function createKetama(nodes: readonly PlacementNode[], options: KetamaOptions = {}): Ketama {
  return new KetamaRing(membersOf(nodes), options.dialect);
}

/**
 * The ring that `toJSON` described, with the nodes as `{ id, weight }` or what `nodeOf` makes of them.
 *
 * @throws TypeError or RangeError as {@link createKetama}, or when `nodeOf` gives another id.
 */
export function ketamaFromJson(json: KetamaJson): Ketama<NodeJson>;
export function ketamaFromJson<Node extends PlacementNode>(
  json: KetamaJson,
  options: RestoreOptions<Node>,
): Ketama<Node>;
export function ketamaFromJson(json: KetamaJson, options?: RestoreOptions<PlacementNode>): Ketama {
  return new KetamaRing(membersFromJson(json.nodes, options), json.dialect);
}

class KetamaRing<Node extends PlacementNode> implements Ketama<Node> {
  readonly kind = "ketama";
  readonly nodes: readonly Node[];
  readonly dialect: KetamaDialect;
  readonly #members: Members<Node>;
  readonly #owners: readonly Node[];
  readonly #continuum: Continuum;

  constructor(members: Members<Node>, dialect: KetamaDialect = "libketama") {
    this.nodes = nodesOf(members);
    this.#owners = ownersOf(members);
    this.dialect = dialect;
    this.#members = members;
    const { pointsPerDigest, digests } = requireDialect(dialect);
    const total = requireTotalWeight(members);
    const pointsByNode = members.map(({ id, weight }) =>
      pointsOf(id, digests(weight, total, members.length), pointsPerDigest),
    );
    this.#continuum = createContinuum(pointsByNode);
    Object.freeze(this);
  }

  locate(key: Key): Node {
    return this.#owners[this.#continuum.ownerAt(ketamaHash(key))] as Node;
  }

  *ranges(): Generator<KetamaRange<Node>, void, undefined> {
    for (const { start, end, owner } of this.#continuum.ranges()) {
      yield { start, end, node: this.#owners[owner] as Node };
    }
  }

  with(node: Node): Ketama<Node> {
    return new KetamaRing(membersWith(this.#members, node), this.dialect);
  }

  without(id: string): Ketama<Node> {
    return new KetamaRing(membersWithout(this.#members, id), this.dialect);
  }

  toJSON(): KetamaJson {
    return { dialect: this.dialect, nodes: nodesToJson(this.#members) };
  }
}

/**
 * The position of a key on every ketama ring: the first four bytes of its MD5, little-endian.
 * @throws TypeError when `key` is neither a string nor bytes.
 */
export function ketamaHash(key: Key): number {
  if (typeof key !== "string" && !isBytes(key)) return refuseKey(key);
  return md5(key).readUInt32LE(0);
}

interface Dialect {
  readonly pointsPerDigest: number;
  digests(weight: number, totalWeight: number, nodeCount: number): number;
}

const { floor, fround } = Math;

const DIALECTS: Record<KetamaDialect, Dialect> = {
  libketama: {
    pointsPerDigest: 4,
    // float pct = (float)weight / (float)total; floorf(pct * 40.0 * (float)n)
    digests: (weight, total, count) => floor(fround(floatShare(weight, total) * 40 * count)),
  },
  libmemcached: {
    pointsPerDigest: 4,
    // floor((float)(pct * 160 / 4 * (float)n + 0.0000000001)), where only the sum is a double
    digests: (weight, total, count) => {
      const perNode = fround(fround(floatShare(weight, total) * 160) / 4);
      return floor(fround(fround(perNode * count) + 1e-10));
    },
  },
  hashring: {
    pointsPerDigest: 4,
    digests: (weight, total, count) => floor((weight / total) * 40 * count),
  },
  hash_ring: {
    pointsPerDigest: 3,
    digests: (weight, total, count) => floor((40 * count * weight) / total),
  },
};

function requireDialect(dialect: KetamaDialect): Dialect {
  if (Object.hasOwn(DIALECTS, dialect)) return DIALECTS[dialect];
  const known = Object.keys(DIALECTS).join(", ");
  throw new RangeError(`dialect must be one of ${known}, got ${String(dialect)}`);
}

function floatShare(weight: number, total: number): number {
  return fround(fround(weight) / fround(total));
}

function pointsOf(id: string, digests: number, pointsPerDigest: number): Uint32Array {
  const points = new Uint32Array(digests * pointsPerDigest);
  for (let i = 0; i < digests; i++) {
    const digest = md5(`${id}-${i}`);
    for (let j = 0; j < pointsPerDigest; j++) {
      points[i * pointsPerDigest + j] = digest.readUInt32LE(4 * j);
    }
  }
  return points;
}

function md5(data: string | Uint8Array): Buffer {
  return hash("md5", data, "buffer");
}

function requireTotalWeight(members: Members): number {
  if (members.length * 160 > MAX_POINTS) {
    throw new RangeError(`A ketama ring must have at most ${MAX_POINTS} points, 160 a node`);
  }
  let total = 0;
  for (const { id, weight } of members) {
    total += weight;
    if (Number.isSafeInteger(weight) && Number.isSafeInteger(total)) continue;
    throw new RangeError(
      "The weights of a ketama ring must be integers that add up to less than 2^53, " +
        `got ${weight} for ${quoted(id)}`,
    );
  }
  return total;
}
