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
import type { Key } from "./key.ts";
import { type NodeJson, nodesWith, nodesWithout, type Placed } from "./membership.ts";
import { murmur3 } from "./murmur3.ts";
import { idOf, type PlacementNode, requireNodes, weightOf } from "./node.ts";

/** An immutable table of who has which bucket. */
export interface Buckets<Node extends PlacementNode = PlacementNode, K = Key> {
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
  /** `{ nodes: [{ id: "a", weight: 1 }, …], table: [0, 1, …] }`: for each bucket, an index of `nodes`. */
  toJSON(): BucketsJson;
}

export interface BucketsOptions<K = Key> {
  /**
   * How many buckets: a power of two up to 65,536. Fixed for the life of the data. With fewer than
   * a hundred for each node of weight 1, shares differ by more than one per cent.
   * @default 4096
   */
  readonly buckets?: number | undefined;
  /**
   * An unsigned 32-bit hash of a key, whose low bits choose the bucket; for instance the database's
   * own. It belongs to the table but is not in its JSON: give the same one to {@link bucketsFromJson}.
   * @default murmur3
   */
  readonly hash?: ((key: K) => number) | undefined;
}

export interface BucketsJson {
  readonly nodes: readonly NodeJson[];
  readonly table: readonly number[];
}

const MOST_BUCKETS = 65_536;

/**
 * Builds the table: O(nodes · (buckets + nodes · log nodes)), milliseconds for 100 nodes, tenths of a
 * second for 1000; a change costs the same, because it aims at the built table of the new nodes.
 *
 * @throws TypeError when a node has no string id or `hash` is not a function; RangeError when there
 *   is no node, an id is empty or twice, a weight is not a finite number above 0, `buckets` is not
 *   a power of two, or a node would have no bucket.
 */
export function createBuckets<Node extends PlacementNode, K = Key>(
  nodes: readonly Node[],
  options: BucketsOptions<K> = {},
): Buckets<Placed<Node>, K> {
  const { buckets = 4096, hash } = options;
  requireBuckets("buckets", buckets);
  requireHash(hash);
  const placed = requireNodes(nodes as readonly unknown[] as readonly Placed<Node>[]);
  requireCounts(buckets, placed);
  return new BucketMap(placed, growTable(buckets, placed.map(weightOf)), hash);
}

/**
 * The table that `toJSON` described, with the nodes as `{ id, weight }`. Its counts need not be what
 * the weights are due: a table edited by hand stays as it is until the next change.
 *
 * @param options the `hash` that the table was made with.
 * @throws TypeError or RangeError when a node is bad, as {@link createBuckets}, when the length of
 *   `table` is not a power of two, or an entry is not an index of `nodes`.
 */
export function bucketsFromJson<K = Key>(
  json: BucketsJson,
  options: Pick<BucketsOptions<K>, "hash"> = {},
): Buckets<NodeJson, K> {
  const { nodes, table } = json;
  requireHash(options.hash);
  if (!Array.isArray(table)) throw new TypeError(`table must be an array, got ${typeof table}`);
  requireBuckets("The length of table", table.length);
  const sorted = requireNodes(nodes);
  const positions = nodes.map((node) => sorted.indexOf(node));
  const owners = Uint16Array.from(table, (node: unknown, bucket) => {
    const position = typeof node === "number" ? positions[node] : undefined;
    if (position !== undefined) return position;
    throw new RangeError(`table[${bucket}] must be an index of nodes, got ${String(node)}`);
  });
  return new BucketMap(sorted, owners, options.hash);
}

class BucketMap<Node extends PlacementNode, K> implements Buckets<Node, K> {
  readonly nodes: readonly Node[];
  readonly size: number;
  readonly #table: Uint16Array;
  readonly #mask: number;
  readonly #hash: ((key: K) => number) | undefined;

  constructor(nodes: readonly Node[], table: Uint16Array, hash: ((key: K) => number) | undefined) {
    this.nodes = nodes;
    this.size = table.length;
    this.#table = table;
    this.#mask = table.length - 1;
    this.#hash = hash;
  }

  locate(key: K): Node {
    return this.nodes[this.#table[this.bucketOf(key)] as number] as Node;
  }

  bucketOf(key: K): number {
    // Without a hash of the caller's, K is Key; and murmur3 refuses what is not.
    if (this.#hash === undefined) return murmur3(key as Key) & this.#mask;
    return requireUint32(this.#hash(key)) & this.#mask;
  }

  nodeAt(bucket: number): Node {
    const node = this.#table[bucket];
    if (node === undefined) {
      throw new RangeError(`bucket must be an integer from 0 to ${this.#mask}, got ${bucket}`);
    }
    return this.nodes[node] as Node;
  }

  with(node: Node): Buckets<Node, K> {
    return this.withNodes(nodesWith(this.nodes, node));
  }

  without(id: string): Buckets<Node, K> {
    return this.withNodes(nodesWithout(this.nodes, id));
  }

  withNodes(nodes: readonly Node[]): Buckets<Node, K> {
    const placed = requireNodes(nodes);
    const counts = requireCounts(this.size, placed);
    const positions = new Map(placed.map((node, position) => [idOf(node), position]));
    // The buckets of a node that goes belong to nobody: to an index past the last node.
    const current = this.nodes.map((node) => positions.get(idOf(node)) ?? placed.length);
    const owners = Uint32Array.from(this.#table, (node) => current[node] as number);
    const goal = growTable(this.size, placed.map(weightOf));
    return new BucketMap(placed, fewestMoves(owners, counts, goal), this.#hash);
  }

  toJSON(): BucketsJson {
    const nodes = this.nodes.map((node) => ({ id: idOf(node), weight: weightOf(node) }));
    return { nodes, table: Array.from(this.#table) };
  }
}

/** What each node is due. */
function requireCounts(buckets: number, nodes: readonly PlacementNode[]): Uint32Array {
  if (nodes.length > buckets) {
    throw new RangeError(
      `buckets must be at least the number of nodes, ${nodes.length}, got ${buckets}`,
    );
  }
  const counts = apportion(buckets, nodes.map(weightOf));
  const idle = nodes[counts.indexOf(0)];
  if (idle === undefined) return counts;
  throw new RangeError(
    `Node "${idOf(idle)}" would have none of ${buckets} buckets: ` +
      `its weight ${weightOf(idle)} is too small beside the others`,
  );
}

function requireBuckets(name: string, buckets: unknown): void {
  const isRight =
    typeof buckets === "number" && Number.isInteger(Math.log2(buckets)) && buckets >= 1;
  if (isRight && buckets <= MOST_BUCKETS) return;
  throw new RangeError(
    `${name} must be a power of two from 1 to ${MOST_BUCKETS}, got ${String(buckets)}`,
  );
}

function requireHash(hash: unknown): void {
  if (hash === undefined || typeof hash === "function") return;
  throw new TypeError(`hash must be a function of a key, got ${typeof hash}`);
}

function requireUint32(hash: number): number {
  if (typeof hash === "number" && hash >>> 0 === hash) return hash;
  throw new TypeError(`hash must return an integer from 0 to 2^32 - 1, got ${String(hash)}`);
}
