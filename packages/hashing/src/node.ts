/**
 * Who keys are placed on: a plain id, or any value that has one. A placement gives back the very
 * value it was given, so a node may be a connection pool or a configuration entry.
 */
export type PlacementNode = string | { readonly id: string; readonly weight?: number | undefined };

export function idOf(node: PlacementNode): string {
  return typeof node === "string" ? node : node.id;
}

/** A node's share relative to the others. @default 1 */
export function weightOf(node: PlacementNode): number {
  return typeof node === "string" ? 1 : (node.weight ?? 1);
}

/**
 * The nodes in the order of their ids (by UTF-16 code units), so that no placement depends on the
 * order in which somebody listed them.
 *
 * @throws TypeError when a node has no string id; RangeError when there is no node, an id is empty,
 *   twice or holds a lone surrogate (it would have the bytes of other such ids), or a weight is not a finite number above 0.
 */
export function requireNodes<Node extends PlacementNode>(nodes: readonly Node[]): readonly Node[] {
  if (!Array.isArray(nodes))
    throw new TypeError("nodes must be an array of ids or of values with an id");
  if (nodes.length === 0)
    throw new RangeError("nodes must hold at least one node: no key could be placed");
  const ids = new Set<string>();
  for (const node of nodes) {
    const id: unknown = typeof node === "string" ? node : (node as { id?: unknown } | null)?.id;
    if (typeof id !== "string")
      throw new TypeError(`A node must be a string or have a string id, got ${typeof id}`);
    if (id === "") throw new RangeError("A node's id must not be empty");
    if (/\p{Surrogate}/u.test(id)) {
      throw new RangeError(`A node's id must be well-formed text, got ${JSON.stringify(id)}`);
    }
    if (ids.has(id)) throw new RangeError(`Node ids must differ, got "${id}" twice`);
    ids.add(id);
    const weight: unknown = weightOf(node);
    if (typeof weight !== "number" || !(weight > 0 && weight < Number.POSITIVE_INFINITY)) {
      throw new RangeError(
        `The weight of node "${id}" must be a finite number above 0, got ${String(weight)}`,
      );
    }
  }
  return Object.freeze(nodes.toSorted((a, b) => (idOf(a) < idOf(b) ? -1 : 1)));
}
