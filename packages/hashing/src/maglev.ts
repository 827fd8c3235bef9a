/**
 * Maglev: a lookup table that nodes fill by taking turns.
 *
 * Each node has its own order of preference over the table's entries: it starts at an offset and
 * goes on by a fixed skip, both hashed from its id; as the size is a prime, every skip visits every
 * entry. Nodes take turns, each taking its best entry that is still free. So the shares are as even
 * as turns are (they differ by one entry), and a lookup is one hash, one remainder, one load.
 *
 * Weights, as in Envoy: a node is skipped while iteration · weight is below its target, which grows
 * by the largest weight with each entry it takes. Every node takes part in the first round, so even
 * the lightest node has an entry.
 *
 * Not guaranteed: minimal disruption. When a node goes, its entries are taken by others earlier than
 * before, which displaces a few entries of nodes that did not change (the paper, section 5.3, and
 * the tests beside this file give figures). A larger table displaces fewer. That is why Maglev fits
 * workers and caches, not durable data.
 *
 * The table is bit for bit Envoy's for the same ids and weights (ids with characters beyond U+FFFF
 * may sort otherwise there). The lookup hash is ours, murmur3; Envoy's entry of a hash is
 * `nodeAt(Number(hash % BigInt(size)))`.
 *
 * Source: Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load Balancer", NSDI 2016,
 * section 3.4, listing 1; weights and hashes: envoyproxy/envoy,
 * source/extensions/load_balancing_policies/maglev/maglev_lb.cc.
 */
import type { Key } from "./key.ts";
import { murmur3 } from "./murmur3.ts";
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
import { isPrime, primeFrom } from "./prime.ts";
import { xxh64 } from "./xxh64.ts";

/** An immutable placement of keys on nodes. Nodes in any order give the same one, in every process. */
export interface Maglev<Node extends PlacementNode = PlacementNode> {
  readonly kind: "maglev";
  /** In the order of their ids. */
  readonly nodes: readonly Node[];
  /** Entries in the table: a prime. */
  readonly size: number;
  /** The node of a key. O(1). @throws TypeError when `key` is neither a string nor bytes. */
  locate(key: Key): Node;
  /** The node of a table entry. @throws RangeError when `entry` is not an integer from 0 to `size - 1`. */
  nodeAt(entry: number): Node;
  /** @throws RangeError when a node with that id is already placed, or the table is full. */
  with(node: Node): Maglev<Node>;
  /** @throws RangeError when no node has that id, or it is the last one. */
  without(id: string): Maglev<Node>;
  /** `{ size: 65537, nodes: [{ id: "a", weight: 1 }] }`: the table follows from it. */
  toJSON(): MaglevJson;
}

export interface MaglevOptions {
  /**
   * Entries in the table: a prime of at most 5,000,011. A hundred times the number of nodes keeps
   * their shares within one per cent of each other.
   * @default 65537
   */
  readonly size?: number | undefined;
}

export interface MaglevJson {
  readonly size: number;
  readonly nodes: readonly NodeJson[];
}

const LARGEST_SIZE = 5_000_011;

/**
 * Builds the table: about size · ln(size) steps, some ten milliseconds by default.
 *
 * @throws TypeError when a node has no string id; RangeError when there is no node, an id is empty,
 *   twice or holds a lone surrogate, a weight is not a number from 1e-30 to 1e30, `size` is not a
 *   prime, or there are more nodes than entries.
 */
export function createMaglev(nodes: readonly string[], options?: MaglevOptions): Maglev<string>;
export function createMaglev<Node extends PlacementNode>(
  nodes: readonly Node[],
  options?: MaglevOptions,
): Maglev<Node>;
export function createMaglev(nodes: readonly PlacementNode[], options: MaglevOptions = {}): Maglev {
  return new MaglevTable(membersOf(nodes), options.size);
}

/**
 * The placement that `toJSON` described, with the nodes as `{ id, weight }` or what `nodeOf` makes of
 * them.
 *
 * @throws TypeError or RangeError as {@link createMaglev}, or when `nodeOf` gives another id.
 */
export function maglevFromJson(json: MaglevJson): Maglev<NodeJson>;
export function maglevFromJson<Node extends PlacementNode>(
  json: MaglevJson,
  options: RestoreOptions<Node>,
): Maglev<Node>;
export function maglevFromJson(json: MaglevJson, options?: RestoreOptions<PlacementNode>): Maglev {
  return new MaglevTable(membersFromJson(json.nodes, options), json.size);
}

class MaglevTable<Node extends PlacementNode> implements Maglev<Node> {
  readonly kind = "maglev";
  readonly nodes: readonly Node[];
  readonly size: number;
  readonly #members: Members<Node>;
  readonly #owners: readonly Node[];
  readonly #table: EntryTable;

  constructor(members: Members<Node>, size = 65_537) {
    requireSize(size);
    this.nodes = nodesOf(members);
    this.#owners = ownersOf(members);
    this.size = size;
    this.#members = members;
    if (members.length > size) {
      throw new RangeError(
        `size must be at least the number of nodes, ${members.length}, got ${size}`,
      );
    }
    this.#table = fillTable(size, sharesOf(members), hashedPreferences(members, size));
    Object.freeze(this);
  }

  locate(key: Key): Node {
    return this.#owners[this.#table[murmur3(key) % this.size] as number] as Node;
  }

  nodeAt(entry: number): Node {
    const node = typeof entry === "number" ? this.#table[entry] : undefined;
    if (node === undefined) {
      throw new RangeError(
        `entry must be an integer from 0 to ${this.size - 1}, got ${String(entry)}`,
      );
    }
    return this.#owners[node] as Node;
  }

  with(node: Node): Maglev<Node> {
    return new MaglevTable(membersWith(this.#members, node), this.size);
  }

  without(id: string): Maglev<Node> {
    return new MaglevTable(membersWithout(this.#members, id), this.size);
  }

  toJSON(): MaglevJson {
    return { size: this.size, nodes: nodesToJson(this.#members) };
  }
}

/** The index of the node that has each entry. */
export type EntryTable = Uint16Array | Uint32Array;

/** The entry a node (by index) would like next: its first preference on the first call, and so on. */
export type Preferences = (node: number) => number;

/** Listing 1 of the paper, by the turns that Envoy's weights give. */
export function fillTable(size: number, weights: readonly number[], next: Preferences): EntryTable {
  const table = weights.length <= 65_536 ? new Uint16Array(size) : new Uint32Array(size);
  const taken = new Uint8Array(size);
  let left = size;
  for (const node of turns(weights, 2 * size)) {
    let entry = next(node);
    while (taken[entry] === 1) entry = next(node);
    taken[entry] = 1;
    table[entry] = node;
    left--;
    if (left === 0) break;
  }
  return table;
}

/**
 * Whose turn it is, without end: in each iteration, in the order of the nodes, those that are not
 * skipped. A node is entered in a calendar for its next turn, so that skipping it costs nothing: one
 * heavy node among thousands has most of the turns.
 *
 * @param horizon more iterations than will be used; the heaviest node has a turn in nearly each.
 */
function* turns(weights: readonly number[], horizon: number): Generator<number, never> {
  const largest = weights.reduce((most, weight) => Math.max(most, weight), 0);
  const targets = new Float64Array(weights.length);
  const calendar = new Map<number, number[]>([[1, [...weights.keys()]]]);
  for (let iteration = 1; ; iteration++) {
    const due = new Int32Array(calendar.get(iteration) ?? []).sort();
    calendar.delete(iteration);
    for (const node of due) {
      yield node;
      const target = (targets[node] as number) + largest;
      targets[node] = target;
      const following = turnAfter(iteration, weights[node] as number, target);
      if (following > horizon) continue;
      const others = calendar.get(following);
      if (others === undefined) calendar.set(following, [node]);
      else others.push(node);
    }
  }
}

/** The first iteration after this one in which iteration · weight is not below the target. */
function turnAfter(iteration: number, weight: number, target: number): number {
  // The quotient may be rounded to one more or one less than the products say.
  let following = Math.max(iteration + 1, Math.floor(target / weight) - 1);
  // Beyond 2^53 there is no next integer; no table has so many turns.
  while (following < Number.MAX_SAFE_INTEGER && following * weight < target) following++;
  return following;
}

/** Weights as parts of 1, as Envoy has them: its sums, and so its rounding. */
function sharesOf(members: Members): readonly number[] {
  const total = members.reduce((sum, { weight }) => sum + weight, 0);
  return members.map(({ weight }) => weight / total);
}

/** Offset, then skip by skip around the table. */
function hashedPreferences(members: Members, size: number): Preferences {
  const modulus = BigInt(size);
  const entries = members.map(({ id }) => Number(xxh64(id, 0) % modulus));
  const skips = members.map(({ id }) => Number(xxh64(id, 1) % (modulus - 1n)) + 1);
  return (node) => {
    const entry = entries[node] as number;
    const following = entry + (skips[node] as number);
    entries[node] = following < size ? following : following - size;
    return entry;
  };
}

function requireSize(size: number): void {
  if (!(Number.isInteger(size) && size >= 2 && size <= LARGEST_SIZE)) {
    throw new RangeError(`size must be a prime from 2 to ${LARGEST_SIZE}, got ${String(size)}`);
  }
  if (isPrime(size)) return;
  throw new RangeError(`size must be a prime, got ${size}: the next one is ${primeFrom(size)}`);
}
