/**
 * Who keys are placed on, and what a placement remembers of them.
 *
 * A placement gives back the very value it was given, so a node may be a connection pool or a
 * configuration entry. Its id and weight are read once, when it is placed. A pool whose weight is tuned later
 * changes nothing of the placements it is in: they would otherwise disagree with their own JSON.
 *
 * Nodes are kept in the order of their ids by UTF-16 code units, so no placement depends on the order
 * in which somebody listed them, or on the language of the machine.
 */
import { kindOf } from "./key.ts";

/** A plain id, or any value that has one. An id must not change while the node is placed. */
export type PlacementNode = string | PlacementObject;

export interface PlacementObject {
  readonly id: string;
  /** Its share relative to the others, from 1e-30 to 1e30. @default 1 */
  readonly weight?: number | undefined;
}

/** A node as JSON keeps it. */
export interface NodeJson {
  readonly id: string;
  readonly weight: number;
}

/** A node as it was when it was placed. */
export interface Member<Node extends PlacementNode = PlacementNode> extends NodeJson {
  readonly node: Node;
}

export interface RestoreOptions<Node extends PlacementNode> {
  /**
   * The value that a stored node stands for: it must have the same id. The weight is the stored one.
   * @default the stored node itself, `{ id, weight }`
   */
  readonly nodeOf: (stored: NodeJson) => Node;
}

export type Members<Node extends PlacementNode = PlacementNode> = readonly Member<Node>[];

const LEAST_WEIGHT = 1e-30;
const LARGEST_WEIGHT = 1e30;

export function idOf(node: PlacementNode): string {
  return typeof node === "string" ? node : node.id;
}

/**
 * @throws TypeError when `nodes` is no array or a node has no string id; RangeError when there is no
 *   node, an id is empty, twice, or holds a lone surrogate (it would have the bytes of other such
 *   ids), or a weight is not a number from 1e-30 to 1e30.
 */
export function membersOf<Node extends PlacementNode>(nodes: readonly Node[]): Members<Node> {
  if (!Array.isArray(nodes)) throw new TypeError(`nodes must be an array, got ${kindOf(nodes)}`);
  return inOrder(nodes.map((node: Node, index) => memberOf(node, `nodes[${index}]`)));
}

/** @throws as {@link membersOf}; RangeError when a node with that id is already placed. */
export function membersWith<Node extends PlacementNode>(
  members: Members<Node>,
  node: Node,
): Members<Node> {
  const added = memberOf(node, "A node");
  if (members.some(({ id }) => id === added.id)) {
    throw new RangeError(
      `Node ${quoted(added.id)} is already placed: with() adds one with a new id`,
    );
  }
  return inOrder([...members, added]);
}

/** @throws RangeError when no node has that id, or it is the last one. */
export function membersWithout<Node extends PlacementNode>(
  members: Members<Node>,
  id: string,
): Members<Node> {
  const rest = members.filter((member) => member.id !== id);
  if (rest.length === members.length) {
    throw new RangeError(
      `No node has the id ${quoted(String(id))}: without() takes the id of a placed node`,
    );
  }
  if (rest.length === 0) {
    throw new RangeError(`Node ${quoted(id)} is the last one: without it no key could be placed`);
  }
  return rest;
}

/** @throws as {@link membersOf}; RangeError when `nodeOf` gives a node with another id. */
export function membersFromJson<Node extends PlacementNode>(
  stored: readonly NodeJson[],
  options: RestoreOptions<Node> | undefined,
): Members<Node | NodeJson> {
  const members = membersOf(stored);
  if (options === undefined) return members;
  return members.map(({ id, weight }) => {
    const node = options.nodeOf({ id, weight });
    const given = memberOf(node, `nodeOf(${quoted(id)})`);
    if (given.id === id) return { node, id, weight };
    throw new RangeError(`nodeOf(${quoted(id)}) must have that id, got ${quoted(given.id)}`);
  });
}

/** For everybody to see, hence frozen. */
export function nodesOf<Node extends PlacementNode>(members: Members<Node>): readonly Node[] {
  return Object.freeze(ownersOf(members));
}

/** For lookups: V8 reads an element of a frozen array slower, by a tenth of a whole lookup. */
export function ownersOf<Node extends PlacementNode>(members: Members<Node>): Node[] {
  return members.map(({ node }) => node);
}

export function nodesToJson(members: Members): NodeJson[] {
  return members.map(({ id, weight }) => ({ id, weight }));
}

/** In quotes, and not endless. */
export function quoted(id: string): string {
  return JSON.stringify(id.length > 100 ? `${id.slice(0, 100)}…` : id);
}

function memberOf<Node extends PlacementNode>(node: Node, where: string): Member<Node> {
  const id: unknown = typeof node === "string" ? node : (node as Partial<NodeJson> | null)?.id;
  if (typeof id !== "string") {
    const but = typeof node === "object" && node !== null ? ` whose id is ${kindOf(id)}` : "";
    throw new TypeError(`${where} must be an id or have a string id, got ${kindOf(node)}${but}`);
  }
  if (id === "") throw new RangeError(`The id of ${where} must not be empty`);
  if (/\p{Surrogate}/u.test(id)) {
    throw new RangeError(`The id of ${where} must be well-formed text, got ${quoted(id)}`);
  }
  const given: unknown = typeof node === "string" ? undefined : node.weight;
  const weight = given === undefined ? 1 : given;
  if (typeof weight === "number" && weight >= LEAST_WEIGHT && weight <= LARGEST_WEIGHT) {
    return { node, id, weight };
  }
  throw new RangeError(
    `The weight of node ${quoted(id)} must be a number from ${LEAST_WEIGHT} to ${LARGEST_WEIGHT}, ` +
      `got ${String(weight)}`,
  );
}

function inOrder<Node extends PlacementNode>(members: Member<Node>[]): Members<Node> {
  if (members.length === 0) {
    throw new RangeError("nodes must hold at least one node: no key could be placed");
  }
  members.sort((a, b) => (a.id < b.id ? -1 : 1));
  for (let i = 1; i < members.length; i++) {
    const { id } = members[i] as Member<Node>;
    if (members[i - 1]?.id === id)
      throw new RangeError(`Node ids must differ, got ${quoted(id)} twice`);
  }
  return members;
}
