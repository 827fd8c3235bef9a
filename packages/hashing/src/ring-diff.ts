/**
 * What would move? Two rings laid over each other, before one replaces the other.
 *
 * The answer is exact, not sampled: a ring is a list of ranges of the hash space, so two rings differ
 * in ranges too. A cache can be warmed with it, a queue drained, a change refused that moves more
 * than somebody expected. The share is of the hash space; the share of the *keys* comes near it as
 * their number grows, and says nothing about the share of the traffic.
 */

import { CIRCLE } from "./continuum.ts";
import { idOf, type PlacementNode } from "./node.ts";

/** What both kinds of ring tell: who has which part of the hash space, from 0 to 2^32, in order. */
export interface RangePlacement {
  /** Positions of different kinds are different hashes. */
  readonly kind: "ring" | "ketama";
  ranges(): Iterable<{
    readonly start: number;
    readonly end: number;
    readonly node: PlacementNode;
  }>;
}

/** The keys whose hash is from `start` up to, not including, `end` leave node `from` for node `to`. */
export interface RangeMove {
  readonly start: number;
  readonly end: number;
  /** An id. */
  readonly from: string;
  /** An id. */
  readonly to: string;
}

export interface RingDiff {
  /** How much of the hash space moves: 0 is nothing, 1 all of it. */
  readonly share: number;
  /** In the order of the hash space; empty when the two place every key alike. */
  readonly moves: readonly RangeMove[];
}

/**
 * The part of the hash space that is at another node `after` than `before`. Nodes are the same
 * when their ids are. Linear in the points of both.
 *
 * @throws TypeError when one is of `createRing` and the other of `createKetama`.
 */
export function diffRings<Placement extends RangePlacement>(
  before: Placement,
  after: NoInfer<Placement>,
): RingDiff {
  if (before.kind !== after.kind) {
    throw new TypeError(`A ${before.kind} and a ${after.kind} hash keys differently`);
  }
  const moves: { start: number; end: number; from: string; to: string }[] = [];
  let moved = 0;
  for (const { start, end, from, to } of overlaps(before, after)) {
    if (from === to) continue;
    moved += end - start;
    const last = moves.at(-1);
    if (last?.end === start && last.from === from && last.to === to) last.end = end;
    else moves.push({ start, end, from, to });
  }
  return { share: moved / CIRCLE, moves };
}

/** The ranges of both, cut at the bounds of either. */
function* overlaps(before: RangePlacement, after: RangePlacement): Generator<RangeMove> {
  const arrivals = after.ranges()[Symbol.iterator]();
  let arrival = arrivals.next();
  for (const { start, end, node } of before.ranges()) {
    let at = start;
    while (at < end && !arrival.done) {
      const until = Math.min(end, arrival.value.end);
      yield { start: at, end: until, from: idOf(node), to: idOf(arrival.value.node) };
      if (until === arrival.value.end) arrival = arrivals.next();
      at = until;
    }
  }
}
