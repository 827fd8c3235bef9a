/**
 * What would move? Two tables compared entry by entry, before one replaces the other.
 *
 * For buckets the list is the plan of a rebalance. For maglev it is what a change disturbs, entries
 * of nodes that did not change included. Nodes are the same when their ids are.
 */
import { idOf, type PlacementNode } from "./node.ts";

/** What every placement with a table tells. */
export interface TablePlacement<Kind extends "buckets" | "maglev" = "buckets" | "maglev"> {
  readonly kind: Kind;
  readonly size: number;
  nodeAt(index: number): PlacementNode;
}

/** From one node to another, both by id. */
export interface TableMove {
  readonly from: string;
  readonly to: string;
}

/** `{ bucket: 7, from: "a", to: "b" }` */
export interface BucketMove extends TableMove {
  readonly bucket: number;
}

/** `{ entry: 7, from: "a", to: "b" }` */
export interface EntryMove extends TableMove {
  readonly entry: number;
}

export interface TableDiff<Move extends TableMove> {
  /** How much of the table moves: 0 is nothing, 1 all of it. */
  readonly share: number;
  /** In the order of the table; empty when the two place every key alike. */
  readonly moves: readonly Move[];
}

/**
 * The buckets that are at another node `after` than `before`. O(size). Both must have the same hash.
 * @throws TypeError when one is not of `createBuckets`; RangeError when they differ in size.
 */
export function diffBuckets(
  before: TablePlacement<"buckets">,
  after: TablePlacement<"buckets">,
): TableDiff<BucketMove> {
  requireKind("buckets", before, after);
  return diffTables(before, after, (bucket, from, to) => ({ bucket, from, to }));
}

/**
 * The table entries that are at another node `after` than `before`. O(size).
 * @throws TypeError when one is not of `createMaglev`; RangeError when they differ in size.
 */
export function diffMaglev(
  before: TablePlacement<"maglev">,
  after: TablePlacement<"maglev">,
): TableDiff<EntryMove> {
  requireKind("maglev", before, after);
  return diffTables(before, after, (entry, from, to) => ({ entry, from, to }));
}

/** The compiler refuses this too, but not everybody asks it. */
function requireKind(kind: TablePlacement["kind"], ...tables: readonly TablePlacement[]): void {
  for (const table of tables) {
    if (table.kind === kind) continue;
    throw new TypeError(`Both tables must be of kind "${kind}", got "${String(table.kind)}"`);
  }
}

function diffTables<Move extends TableMove>(
  before: TablePlacement,
  after: TablePlacement,
  moveOf: (index: number, from: string, to: string) => Move,
): TableDiff<Move> {
  if (before.size !== after.size) {
    throw new RangeError(`Tables must have the same size, got ${before.size} and ${after.size}`);
  }
  const moves: Move[] = [];
  for (let index = 0; index < before.size; index++) {
    const from = idOf(before.nodeAt(index));
    const to = idOf(after.nodeAt(index));
    if (from !== to) moves.push(moveOf(index, from, to));
  }
  return { share: moves.length / before.size, moves };
}
