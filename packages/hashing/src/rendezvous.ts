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
import type { Key } from "./key.ts";
import { type NodeJson, nodesWith, nodesWithout, type Placed } from "./membership.ts";
import { murmur3 } from "./murmur3.ts";
import { idOf, type PlacementNode, requireNodes, weightOf } from "./node.ts";

/** An immutable placement of keys on nodes. Nodes in any order give the same one, in every process. */
export interface Rendezvous<Node extends PlacementNode = PlacementNode> {
  /** In the order of their ids. */
  readonly nodes: readonly Node[];
  /** The node of a key. O(nodes). @throws TypeError when `key` is neither a string nor bytes. */
  locate(key: Key): Node;
  /**
   * The `count` best nodes for a key, best first: its node, then where its copies go. When a node
   * goes away the others keep their order. All nodes if there are fewer than `count`.
   * O(nodes · log nodes).
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
 * @throws TypeError when a node has no string id; RangeError when there is no node, an id is empty
 *   or twice, or a weight is not a finite number above 0.
 */
export function createRendezvous<Node extends PlacementNode>(
  nodes: readonly Node[],
): Rendezvous<Placed<Node>> {
  return new HighestWeight(nodes as readonly unknown[] as readonly Placed<Node>[]);
}

/**
 * The placement that `toJSON` described, with the nodes as `{ id, weight }`.
 * @throws TypeError or RangeError as {@link createRendezvous}.
 */
export function rendezvousFromJson(json: RendezvousJson): Rendezvous<NodeJson> {
  return new HighestWeight(json.nodes);
}

class HighestWeight<Node extends PlacementNode> implements Rendezvous<Node> {
  readonly nodes: readonly Node[];
  readonly #seeds: Int32Array;
  readonly #factors: Int32Array;
  /** Undefined where all are equal. */
  readonly #weights: Float64Array | undefined;

  constructor(nodes: readonly Node[]) {
    this.nodes = requireNodes(nodes);
    const ids = this.nodes.map(idOf);
    this.#seeds = Int32Array.from(ids, (id) => murmur3(id, 1));
    // Odd, so that multiplying loses nothing. Two hashes, so that no two ids draw alike.
    this.#factors = Int32Array.from(ids, (id) => murmur3(id, 2) | 1);
    const weights = Float64Array.from(this.nodes, weightOf);
    this.#weights = weights.every((weight) => weight === weights[0]) ? undefined : weights;
  }

  locate(key: Key): Node {
    const hash = murmur3(key);
    const best = this.#weights ? this.#earliest(hash, this.#weights) : this.#highest(hash);
    return this.nodes[best] as Node;
  }

  locateN(key: Key, count: number): Node[] {
    if (!(Number.isInteger(count) && count >= 1)) {
      throw new RangeError(`count must be an integer of at least 1, got ${String(count)}`);
    }
    const hash = murmur3(key);
    const times = this.nodes.map((node, index) => waitOf(this.#draw(hash, index), weightOf(node)));
    const order = times.map((_, index) => index);
    order.sort((a, b) => (times[a] as number) - (times[b] as number) || a - b);
    return order.slice(0, count).map((index) => this.nodes[index] as Node);
  }

  with(node: Node): Rendezvous<Node> {
    return new HighestWeight(nodesWith(this.nodes, node));
  }

  without(id: string): Rendezvous<Node> {
    return new HighestWeight(nodesWithout(this.nodes, id));
  }

  toJSON(): RendezvousJson {
    return { nodes: this.nodes.map((node) => ({ id: idOf(node), weight: weightOf(node) })) };
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

  #earliest(hash: number, weights: Float64Array): number {
    let best = 0;
    let earliest = Number.POSITIVE_INFINITY;
    for (let node = 0; node < weights.length; node++) {
      const wait = waitOf(this.#draw(hash, node), weights[node] as number);
      if (wait >= earliest) continue;
      earliest = wait;
      best = node;
    }
    return best;
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

/** −ln(u) / weight, with u at the middle of the draw's part of 0 to 1: never 0, never 1. */
function waitOf(draw: number, weight: number): number {
  return -Math.log((draw + 0.5) / 2 ** 32) / weight;
}
