/**
 * Whether a replica is new enough for a session.
 *
 * A position is compared within one line of history. A replica on the token's timeline, or on one
 * that came after it, is new enough from the token's position on. After a failover that position may
 * not exist any more: the new timeline began before it, and what was behind is lost. Then whoever has
 * replayed to where the new primary was first seen has everything that was kept.
 *
 * What a replica is *known* to have replayed is old by up to one look. That sends a read to the
 * primary that needed not to go there; it never makes a read stale.
 */

import type { Cluster } from "../topology/election.ts";
import type { Observation } from "../topology/observation.ts";
import type { Token } from "./token.ts";

export interface FreshnessRules {
  /** Until when a session is held to the primary whose position could not be found out. */
  readonly tokenMaxAgeMs: number;
}

/** @param nowMs of the wall clock, as a token's age is. */
export function isFreshFor(
  seen: Observation,
  token: Token,
  cluster: Cluster,
  rules: FreshnessRules,
  nowMs: number,
): boolean {
  // Of another database: it says nothing about this one.
  if (token.system !== seen.system) return true;
  if (token.lsn === undefined) return nowMs - token.madeMs > rules.tokenMaxAgeMs;
  if (seen.lsn === undefined || seen.timeline < token.timeline) return false;
  if (seen.lsn >= token.lsn) return true;
  const { firstLsn, highestTimeline } = cluster;
  const isReplaced = token.timeline < highestTimeline && seen.timeline === highestTimeline;
  return isReplaced && firstLsn !== undefined && seen.lsn >= firstLsn;
}
