/**
 * Fixed buckets: a key belongs to a bucket for ever, a bucket to a node for now.
 *
 * This is the placement for durable data. The number of buckets is chosen once; a key's bucket is
 * `hash & (buckets - 1)` and does not depend on the nodes. Who has a bucket is an explicit table,
 * which can be stored, compared, and moved one bucket at a time. A lookup is the hash and two loads.
 *
 * Invariants, for any change of nodes or weights:
 * - every node has its quota of the buckets, rounded down or up (`apportionment.ts`);
 * - as few buckets move as these counts allow: Σ max(0, its new count − its old count);
 * - a node only gives or only takes; so with equal weights, no bucket moves between two nodes
 *   that stayed.
 *
 * The price is that a table has a history: two ways to the same nodes may end in different tables.
 * So in production the table itself is the truth: store `toJSON()` and restore it everywhere, do
 * not rebuild it from the nodes. What history cannot change:
 * - the number of buckets of each node;
 * - `createBuckets` depends on the set of nodes alone, not on its order. Its table is that of adding
 *   the nodes one after the other in the order of their ids; growing a built table in that order
 *   (`shard-01`, `shard-02`, …) therefore equals building it at once, with equal weights or not;
 * - each change moves, among the fewest moves, first those that lead to the built table of the new
 *   nodes. Hence any change of a *built* table, undone in one step, gives it back. Undoing several
 *   changes one by one may not.
 *
 * Source: presharding with a fixed number of slots as in Redis Cluster (16384) and Citus; the rule of
 * fewest moves is a direct count: nobody who must grow by k buckets can do so with fewer than k moves.
 */

import { apportion } from "./apportionment.ts";
import { fewestMoves, growTable } from "./bucket-table.ts";
import { type Key, kindOf } from "./key.ts";
import { murmur3Int32 } from "./murmur3.ts";
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

/** An immutable table of who has which bucket. */
export interface Buckets<Node extends PlacementNode = PlacementNode, K = Key> {
  readonly kind: "buckets";
  /** In the order of their ids. */
  readonly nodes: readonly Node[];
  /** The number of buckets: a power of two. */
  readonly size: number;
  /** The node of a key: O(1). @throws TypeError when the key is one the hash does not take. */
  locate(key: K): Node;
  /** The bucket of a key, from 0 to `size - 1`, whatever the nodes are. @throws as {@link locate}. */
  bucketOf(key: K): number;
  /** The node of a bucket. @throws RangeError when `bucket` is not an integer from 0 to `size - 1`. */
  nodeAt(bucket: number): Node;
  /** @throws RangeError when a node with that id is already placed, or one would have no bucket. */
  with(node: Node): Buckets<Node, K>;
  /** @throws RangeError when no node has that id, or it is the last one. */
  without(id: string): Buckets<Node, K>;
  /**
   * The same buckets on these nodes instead, in one change with the fewest moves: new weights, or
   * several nodes at once. Nodes are the same when their ids are; the values given here are kept.
   * @throws TypeError or RangeError as {@link createBuckets}.
   */
  withNodes(nodes: readonly Node[]): Buckets<Node, K>;
  /**
   * `{ hash: "murmur3", nodes: [{ id: "a", weight: 1 }, …], table: [0, 1, …] }`: for each bucket, an
   * index of `nodes`.
   */
  toJSON(): BucketsJson;
}

export interface BucketsOptions<K = Key> {
  /**
   * How many buckets: a power of two up to 65,536. Fixed for the life of the data. Take at least a
   * hundred for each node there will ever be: with fewer, shares differ by more than one per cent.
   * @default 4096
   */
  readonly size?: number | undefined;
  /**
   * A 32-bit hash of a key, signed or not, whose low bits choose the bucket; for instance the
   * database's own, `hashtext`. It is not in the JSON: give the same one to {@link bucketsFromJson}.
   * @default murmur3
   */
  readonly hash?: ((key: K) => number) | undefined;
}

interface RestoreBucketsOptions<Node extends PlacementNode, K = Key>
  extends Pick<BucketsOptions<K>, "hash">,
    Partial<RestoreOptions<Node>> {}

export interface BucketsJson {
  /** `own` is a hash that was given as an option. */
  readonly hash: "murmur3" | "own";
  readonly nodes: readonly NodeJson[];
  readonly table: readonly number[];
}

const MOST_BUCKETS = 65_536;

/**
 * Builds the table: O(size · log size + nodes² · log nodes), about two milliseconds for 100 nodes and
 * 25 for 1000; a change costs the same, because it aims at the built table of the new nodes.
 *
 * @throws TypeError when a node has no string id or `hash` is not a function; RangeError when there
 *   is no node, an id is empty, twice or holds a lone surrogate, a weight is not a number from 1e-30
 *   to 1e30, `size` is not a power of two, or a node would have no bucket.
 */
export function createBuckets<K = Key>(
  nodes: readonly string[],
  options?: BucketsOptions<K>,
): Buckets<string, K>;
export function createBuckets<Node extends PlacementNode, K = Key>(
  nodes: readonly Node[],
  options?: BucketsOptions<K>,
): Buckets<Node, K>;
export function createBuckets<K>(
  nodes: readonly PlacementNode[],
  options: BucketsOptions<K> = {},
): Buckets<PlacementNode, K> {
  const { size = 4096, hash } = options;
  requireSize("size", size);
  requireHash(hash);
  const members = membersOf(nodes);
  requireCounts(size, members);
  return new BucketTable(members, growTable(size, weightsOf(members)), hash);
}

/**
 * The table that `toJSON` described, with the nodes as `{ id, weight }` or what `nodeOf` makes of
 * them. Its counts need not be what the weights are due: a table edited by hand stays as it is until
 * the next change.
 *
 * @param options the `hash` that the table was made with, if it was an option then.
 * @throws TypeError or RangeError when a node is bad, as {@link createBuckets}, or `nodeOf` gives
 *   another id; when the hash is missing or one too many; when the length of `table` is not a power
 *   of two, or an entry is not an index of `nodes`.
 */
export function bucketsFromJson<Node extends PlacementNode, K = Key>(
  json: BucketsJson,
  options: RestoreOptions<Node> & Pick<BucketsOptions<K>, "hash">,
): Buckets<Node, K>;
export function bucketsFromJson<K = Key>(
  json: BucketsJson,
  options?: Pick<BucketsOptions<K>, "hash">,
): Buckets<NodeJson, K>;
export function bucketsFromJson<K>(
  json: BucketsJson,
  options: RestoreBucketsOptions<PlacementNode, K> = {},
): Buckets<PlacementNode, K> {
  const { nodes, table } = json;
  const { hash, nodeOf } = options;
  requireHash(hash);
  requireSameHash(json.hash, hash);
  if (!Array.isArray(table)) throw new TypeError(`table must be an array, got ${kindOf(table)}`);
  requireSize("The length of table", table.length);
  const members = membersFromJson(nodes, nodeOf && { nodeOf });
  const positionOf = new Map(members.map(({ id }, position) => [id, position]));
  const positions = nodes.map(({ id }) => positionOf.get(id));
  const owners = Uint16Array.from(table, (node: unknown, bucket) => {
    const position = typeof node === "number" ? positions[node] : undefined;
    if (position !== undefined) return position;
    throw new RangeError(`table[${bucket}] must be an index of nodes, got ${String(node)}`);
  });
  return new BucketTable(members, owners, hash);
}

class BucketTable<Node extends PlacementNode, K> implements Buckets<Node, K> {
  readonly kind = "buckets";
  readonly nodes: readonly Node[];
  readonly size: number;
  readonly #members: Members<Node>;
  readonly #owners: readonly Node[];
  readonly #table: Uint16Array;
  readonly #mask: number;
  readonly #hash: ((key: K) => number) | undefined;

  constructor(members: Members<Node>, table: Uint16Array, hash: ((key: K) => number) | undefined) {
    this.nodes = nodesOf(members);
    this.#owners = ownersOf(members);
    this.size = table.length;
    this.#members = members;
    this.#table = table;
    this.#mask = table.length - 1;
    this.#hash = hash;
    Object.freeze(this);
  }

  locate(key: K): Node {
    return this.#owners[this.#table[this.bucketOf(key)] as number] as Node;
  }

  bucketOf(key: K): number {
    // Without a hash of the caller's, K is Key; and murmur3 refuses what is not.
    if (this.#hash === undefined) return murmur3Int32(key as Key) & this.#mask;
    return requireInt32(this.#hash(key)) & this.#mask;
  }

  nodeAt(bucket: number): Node {
    const node = typeof bucket === "number" ? this.#table[bucket] : undefined;
    if (node === undefined) {
      throw new RangeError(
        `bucket must be an integer from 0 to ${this.#mask}, got ${String(bucket)}`,
      );
    }
    return this.#owners[node] as Node;
  }

  with(node: Node): Buckets<Node, K> {
    return this.#onto(membersWith(this.#members, node));
  }

  without(id: string): Buckets<Node, K> {
    return this.#onto(membersWithout(this.#members, id));
  }

  withNodes(nodes: readonly Node[]): Buckets<Node, K> {
    return this.#onto(membersOf(nodes));
  }

  #onto(members: Members<Node>): Buckets<Node, K> {
    const counts = requireCounts(this.size, members);
    const positions = new Map(members.map(({ id }, position) => [id, position]));
    // The buckets of a node that goes belong to nobody: to an index past the last node.
    const current = this.#members.map(({ id }) => positions.get(id) ?? members.length);
    const owners = Uint32Array.from(this.#table, (node) => current[node] as number);
    const goal = growTable(this.size, weightsOf(members));
    return new BucketTable(members, fewestMoves(owners, counts, goal), this.#hash);
  }

  toJSON(): BucketsJson {
    const hash = this.#hash === undefined ? "murmur3" : "own";
    return { hash, nodes: nodesToJson(this.#members), table: Array.from(this.#table) };
  }
}

function weightsOf(members: Members): readonly number[] {
  return members.map(({ weight }) => weight);
}

/** What each node is due. */
function requireCounts(size: number, members: Members): Uint32Array {
  if (members.length > size) {
    throw new RangeError(
      `size must be at least the number of nodes, ${members.length}, got ${size}`,
    );
  }
  const counts = apportion(size, weightsOf(members));
  const idle = members[counts.indexOf(0)];
  if (idle === undefined) return counts;
  throw new RangeError(
    `Node ${quoted(idle.id)} would have none of ${size} buckets: ` +
      `its weight ${idle.weight} is too small beside the others`,
  );
}

function requireSize(name: string, size: unknown): void {
  const isRight = typeof size === "number" && Number.isInteger(Math.log2(size)) && size >= 1;
  if (isRight && size <= MOST_BUCKETS) return;
  throw new RangeError(
    `${name} must be a power of two from 1 to ${MOST_BUCKETS}, got ${String(size)}`,
  );
}

/** With another hash, the table would send nearly every key to a wrong node. */
function requireSameHash(stored: unknown, hash: unknown): void {
  const given = hash === undefined ? "murmur3" : "own";
  if (stored === given) return;
  throw new RangeError(
    `The table was made with the hash "${String(stored)}", not "${given}": ` +
      "pass the option hash as it was passed then",
  );
}

function requireHash(hash: unknown): void {
  if (hash === undefined || typeof hash === "function") return;
  throw new TypeError(`hash must be a function of a key, got ${typeof hash}`);
}

/** PostgreSQL's short hashes are signed, ours are not: both name the same 32 bits. */
function requireInt32(hash: number): number {
  if ((hash | 0) === hash || hash >>> 0 === hash) return hash;
  throw new TypeError(`hash must return a 32-bit integer, signed or not, got ${String(hash)}`);
}
