/**
 * How many requests stay in the zone of this process.
 *
 * Traffic to another zone (a data centre of the same region) is slower, and billed. So the own zone
 * is preferred, as far as it can carry its part: when half of its targets are down, the half that
 * is left must not get the load of all while other zones idle.
 *
 * Envoy's zone aware routing solves this exactly, but has to know how many *clients* are in each
 * zone: with 20 % of the clients and 10 % of the targets, a zone may keep half of its requests. A
 * library in one process cannot know that. To guess that clients are spread as the targets in
 * rotation are would be wrong just when it matters, when a zone has lost targets and its clients
 * are all there. What we do know is what each zone was *configured* for. So:
 *
 * - The *fitness* of a zone is its healthy share × the overprovisioning factor, at most 1: with 1.4
 *   a zone carries its part as long as 72 % of it is healthy. Up to there everything stays.
 * - Below, a zone keeps as much as it is fit for **in comparison with the others**: at 35 %
 *   fitness, 35 % of its requests when the others are fit, half when the others are at 70 %, and
 *   all when they are no better off. If every zone kept only what it is fit for, all would swap
 *   their overflow in a circle, pay for the way and relieve nobody.
 * - The others get the rest, by their healthy weight, as every target does that may be picked.
 *
 * The answer is the share of requests for the own zone *alone*; all others are for any target, here
 * or elsewhere. So 0 means no preference: nobody here is healthy, or it would get more than its
 * part even so. In panic nothing is known about anybody, and there is no preference either: then do
 * not ask.
 *
 * Not guaranteed: an equal load for each target. Where all clients are in one zone and the targets
 * in three, the targets of that zone get everything; such a client should be told no zone.
 *
 * Sources: Envoy `load_balancer_impl.cc` (regenerateLocalityRoutingStructures), and
 * `locality_weight.rst` for the fitness of a zone.
 */

/** What the own zone and all other zones together can carry. Weights are sums over targets. */
export interface ZoneCapacity {
  /** All targets of the own zone that do not drain. */
  readonly localWeight: number;
  /** Those of them in rotation. */
  readonly localHealthyWeight: number;
  /** All targets elsewhere that do not drain, of a zone or of none. */
  readonly remoteWeight: number;
  readonly remoteHealthyWeight: number;
  /** How much bigger a zone is than it has to be: a finite number of at least 1. */
  readonly overprovisioning: number;
}

/**
 * The share of requests, 0 to 1, that may only go to the own zone; the rest may go anywhere. With 1
 * of 4 targets healthy here and 8 of 8 elsewhere, 0.27: with what comes by chance, 35 % stay.
 */
export function localShare(zones: ZoneCapacity): number {
  const { localHealthyWeight, remoteHealthyWeight, overprovisioning } = zones;
  if (localHealthyWeight <= 0) return 0;
  if (remoteHealthyWeight <= 0) return 1;
  const local = effectiveWeight(1, localHealthyWeight / zones.localWeight, overprovisioning);
  const remote = effectiveWeight(1, remoteHealthyWeight / zones.remoteWeight, overprovisioning);
  if (local >= remote) return 1;
  const kept = local / remote;
  // Of the requests for anybody, some stay as well: local : remote, by healthy weight.
  return Math.max(0, kept - (1 - kept) * (localHealthyWeight / remoteHealthyWeight));
}

/**
 * What a zone of `weight` counts for when `healthyShare` of it, 0 to 1, is left: of zones with
 * weights 1 and 2, the first half healthy, 0.7 : 2, which is 26 % of the load.
 */
export function effectiveWeight(
  weight: number,
  healthyShare: number,
  overprovisioning: number,
): number {
  return weight * Math.min(1, overprovisioning * healthyShare);
}
