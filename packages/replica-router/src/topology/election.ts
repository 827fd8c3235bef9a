/**
 * Which of the servers is the primary.
 *
 *     not in recovery, of our cluster → on the highest timeline ever seen → furthest in its log
 *
 * A promotion begins a new timeline. An old primary that comes back after one, without having been
 * rewound, is still on the old line: it takes writes gladly, and all of them would be lost. So a server
 * below the highest timeline that was ever seen is no primary, even when no other is there.
 *
 * Who is primary stays so while nothing speaks against it: two of one timeline (promoted twice) would
 * otherwise take turns with every write.
 *
 * It cannot know of a promotion that none of the servers it reaches knows of.
 */

import type { Lsn } from "../wal/lsn.ts";
import type { Observation } from "./observation.ts";

export interface Candidate {
  /** What was seen when it last answered; undefined while it does not. */
  readonly observation: Observation | undefined;
}

export interface Cluster {
  /** Undefined until a first server was seen. */
  readonly system: string | undefined;
  readonly highestTimeline: number;
  /**
   * Where the primary of that timeline was when it was first seen: not before the point at which
   * the timeline began. Whoever has replayed to here has all that was kept of the older ones.
   */
  readonly firstLsn: Lsn | undefined;
}

/** What is known of the cluster when `seen` is known too. */
export function clusterAfter(cluster: Cluster, seen: Observation): Cluster {
  const system = cluster.system ?? seen.system;
  if (seen.system !== system || seen.timeline < cluster.highestTimeline) return cluster;
  const { timeline, isStandby, lsn } = seen;
  const known = timeline > cluster.highestTimeline ? undefined : cluster.firstLsn;
  return { system, highestTimeline: timeline, firstLsn: known ?? (isStandby ? undefined : lsn) };
}

export function electPrimary<Host extends Candidate>(
  hosts: readonly Host[],
  cluster: Cluster,
  present: Host | undefined,
): Host | undefined {
  const eligible = hosts.filter(
    ({ observation }) => observation && isEligible(observation, cluster),
  );
  if (present !== undefined && eligible.includes(present)) return present;
  return eligible.reduce<Host | undefined>((best, host) => {
    const [mine, its] = [host.observation?.lsn ?? 0n, best?.observation?.lsn ?? -1n];
    return mine > its ? host : best;
  }, undefined);
}

/** Whether a server may be the primary: the highest timeline is unique to those. */
export function isEligible(seen: Observation, cluster: Cluster): boolean {
  return (
    !seen.isStandby && seen.system === cluster.system && seen.timeline >= cluster.highestTimeline
  );
}
