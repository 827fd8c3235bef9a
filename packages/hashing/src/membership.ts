import { idOf, type PlacementNode } from "./node.ts";

/** What a placement of `Node` gives back: `string` for ids, so that `with` takes an id not yet listed. */
export type Placed<Node extends PlacementNode> = Node extends string ? string : Node;

/** A node as JSON keeps it. */
export interface NodeJson {
  readonly id: string;
  readonly weight: number;
}

/** @throws RangeError when a node with that id is already placed. */
export function nodesWith<Node extends PlacementNode>(
  nodes: readonly Node[],
  node: Node,
): readonly Node[] {
  const id = idOf(node);
  if (nodes.some((placed) => idOf(placed) === id)) {
    throw new RangeError(`Node "${id}" is already placed: with() adds a node whose id is new`);
  }
  return [...nodes, node];
}

/** @throws RangeError when no node has that id, or it is the last one. */
export function nodesWithout<Node extends PlacementNode>(
  nodes: readonly Node[],
  id: string,
): readonly Node[] {
  const rest = nodes.filter((placed) => idOf(placed) !== id);
  if (rest.length === nodes.length) {
    throw new RangeError(`No node has the id "${id}": without() takes the id of a placed node`);
  }
  if (rest.length === 0) {
    throw new RangeError(`Node "${id}" is the last one: without it no key could be placed`);
  }
  return rest;
}
