/**
 * Rendezvous hashing (highest random weight): every node draws a number for the key, the best wins.
 *
 * A node's draw depends on the key and that node only. So when a node goes, exactly its keys
 * move, each to its second best; a node that comes takes exactly the keys it now wins; and the
 * full order of the draws says where copies go. There is no table, and the balance is that of the
 * hash itself. The price is O(nodes) a lookup: the choice for tens of nodes, not for thousands.
 *
 * Weights: with u a draw evenly from 0 to 1, −ln(u) / w is exponentially distributed with rate w, and
 * of several such the smallest is node i's with probability wᵢ / Σw. Raising one weight improves
 * that node's draws and leaves the others', so only that node gains keys. Where all weights
 * are equal the logarithm is skipped: it does not change the order.
 *
 * A draw mixes the key's murmur3 with two hashes of the id, so it costs a few instructions a node.
 * Keys with the same 32-bit hash are placed alike, as in every placement here.
 *
 * Sources: Thaler & Ravishankar, "Using Name-Based Mappings to Increase Hit Rates", IEEE/ACM
 * Transactions on Networking 6(1), 1998; the logarithmic method for weights: Schindelhauer & Schomaker,
 * "Weighted Distributed Hash Tables", SPAA 2005.
 */
import { requireCount } from "./count.ts";
import type { Key } from "./key.ts";
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
  type RestoreOptions,
} from "./node.ts";

/** An immutable placement of keys on nodes. Nodes in any order give the same one, in every process. */
export interface Rendezvous<Node extends PlacementNode = PlacementNode> {
  /** In the order of their ids. */
  readonly nodes: readonly Node[];
  /** The node of a key. O(nodes). @throws TypeError when `key` is neither a string nor bytes. */
  locate(key: Key): Node;
  /**
   * The `count` best nodes for a key, best first: its node, then where its copies go. When a node
   * goes away the others keep their order. All nodes if there are fewer than `count`.
   * O(nodes) for a few, O(nodes²) for all.
   * @throws RangeError when `count` is not an integer of at least 1; TypeError as {@link locate}.
   */
  locateN(key: Key, count: number): Node[];
  /** @throws RangeError when a node with that id is already placed. */
  with(node: Node): Rendezvous<Node>;
  /** @throws RangeError when no node has that id, or it is the last one. */
  without(id: string): Rendezvous<Node>;
  /** `{ nodes: [{ id: "a", weight: 1 }] }` */
  toJSON(): RendezvousJson;
}

export interface RendezvousJson {
  readonly nodes: readonly NodeJson[];
}

/**
 * @throws TypeError when a node has no string id; RangeError when there is no node, an id is empty,
 *   twice or holds a lone surrogate, or a weight is not a number from 1e-30 to 1e30.
 */
export function createRendezvous(nodes: readonly string[]): Rendezvous<string>;
export function createRendezvous<Node extends PlacementNode>(
  nodes: readonly Node[],
): Rendezvous<Node>;
export function createRendezvous(nodes: readonly PlacementNode[]): Rendezvous {
  return new HighestWeight(membersOf(nodes));
}

/**
 * The placement that `toJSON` described, with the nodes as `{ id, weight }` or what `nodeOf` makes of
 * them.
 *
 * @throws TypeError or RangeError as {@link createRendezvous}, or when `nodeOf` gives another id.
 */
export function rendezvousFromJson(json: RendezvousJson): Rendezvous<NodeJson>;
export function rendezvousFromJson<Node extends PlacementNode>(
  json: RendezvousJson,
  options: RestoreOptions<Node>,
): Rendezvous<Node>;
export function rendezvousFromJson(
  json: RendezvousJson,
  options?: RestoreOptions<PlacementNode>,
): Rendezvous {
  return new HighestWeight(membersFromJson(json.nodes, options));
}

class HighestWeight<Node extends PlacementNode> implements Rendezvous<Node> {
  readonly nodes: readonly Node[];
  readonly #members: Members<Node>;
  readonly #owners: readonly Node[];
  readonly #seeds: Int32Array;
  readonly #factors: Int32Array;
  readonly #weights: Float64Array;
  readonly #isEven: boolean;

  constructor(members: Members<Node>) {
    this.nodes = nodesOf(members);
    this.#owners = ownersOf(members);
    this.#members = members;
    this.#seeds = Int32Array.from(members, ({ id }) => murmur3Int32(id, 1));
    // Odd, so that multiplying loses nothing. Two hashes, so that no two ids draw alike.
    this.#factors = Int32Array.from(members, ({ id }) => murmur3Int32(id, 2) | 1);
    this.#weights = Float64Array.from(members, ({ weight }) => weight);
    this.#isEven = this.#weights.every((weight) => weight === this.#weights[0]);
    Object.freeze(this);
  }

  locate(key: Key): Node {
    const hash = murmur3Int32(key);
    return this.#owners[this.#isEven ? this.#highest(hash) : this.#earliest(hash)] as Node;
  }

  locateN(key: Key, count: number): Node[] {
    requireCount("count", count);
    const hash = murmur3Int32(key);
    const best: number[] = [];
    const waits: number[] = [];
    for (let node = 0; node < this.#seeds.length; node++) {
      const wait = this.#wait(hash, node);
      if (best.length === count && wait >= (waits[count - 1] as number)) continue;
      let place = best.length < count ? best.length : count - 1;
      for (; place > 0 && wait < (waits[place - 1] as number); place--) {
        best[place] = best[place - 1] as number;
        waits[place] = waits[place - 1] as number;
      }
      best[place] = node;
      waits[place] = wait;
    }
    return best.map((node) => this.#owners[node] as Node);
  }

  with(node: Node): Rendezvous<Node> {
    return new HighestWeight(membersWith(this.#members, node));
  }

  without(id: string): Rendezvous<Node> {
    return new HighestWeight(membersWithout(this.#members, id));
  }

  toJSON(): RendezvousJson {
    return { nodes: nodesToJson(this.#members) };
  }

  #highest(hash: number): number {
    let best = 0;
    let highest = -1;
    for (let node = 0; node < this.#seeds.length; node++) {
      const draw = this.#draw(hash, node);
      if (draw <= highest) continue;
      highest = draw;
      best = node;
    }
    return best;
  }

  #earliest(hash: number): number {
    let best = 0;
    let earliest = Number.POSITIVE_INFINITY;
    for (let node = 0; node < this.#seeds.length; node++) {
      const wait = this.#wait(hash, node);
      if (wait >= earliest) continue;
      earliest = wait;
      best = node;
    }
    return best;
  }

  /** −ln(u) / weight, with u at the middle of the draw's part of 0 to 1: never 0, never 1. */
  #wait(hash: number, node: number): number {
    return -Math.log((this.#draw(hash, node) + 0.5) / 2 ** 32) / (this.#weights[node] as number);
  }

  /** From 0 to 2^32 − 1: murmur3's finaliser around a multiplication that is the node's own. */
  #draw(hash: number, node: number): number {
    let mixed = hash ^ (this.#seeds[node] as number);
    mixed = Math.imul(mixed ^ (mixed >>> 16), this.#factors[node] as number);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0xc2b2ae35);
    return (mixed ^ (mixed >>> 16)) >>> 0;
  }
}
