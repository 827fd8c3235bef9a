/**
 * Taking turns by weight, without bursts.
 *
 * Weights 5, 1, 1 could be served a a a a a b c: right on average, five in a row for one. Here each
 * target has a standing. At each pick everyone's standing grows by its weight, the highest is taken
 * and pays the sum of all weights. That gives a a b a c a a. Standings always add up to the same, so:
 * - after as many picks as the (whole) weights add up to, each target had exactly its weight;
 * - at no time has one had more than one pick beyond its due.
 *
 * Standings belong to targets, not to a picker: a target that is ejected and returns, or starts
 * slowly and therefore changes its weight, goes on where it was. A newcomer begins at a random
 * standing, within half a turn either way. Otherwise a hundred processes that start together
 * would all send their first requests to the same target.
 *
 * An excluded target takes no part: it neither gains nor pays. Linear in the targets.
 *
 * Source: nginx `ngx_http_upstream_round_robin.c`, commit 52327e0627f4.
 */

import type { Random } from "@headroom/core/random";
import type { Candidate, Picker, PickRequest, Policy } from "../policy.ts";
import { effectiveWeights } from "./effective-weight.ts";
import { type PolicyOptions, requireRandom } from "./policy-options.ts";

/** @throws TypeError when an option is unknown or `random` is not a function. */
export function smoothWeightedRoundRobin(options: PolicyOptions = {}): Policy {
  const random = requireRandom("smoothWeightedRoundRobin", options);
  const standings = new WeakMap<Candidate, Standing>();
  return {
    name: "smooth-weighted-round-robin",
    picker: (available) => new SmoothPicker(takeSeats(available, standings, random)),
  };
}

/** nginx's `current_weight`. */
export interface Standing {
  current: number;
}

/** A target among the others that take turns with it. */
export interface Seat<C> {
  readonly candidate: C;
  readonly weight: number;
  readonly standing: Standing;
}

function takeSeats<C extends Candidate>(
  available: readonly C[],
  standings: WeakMap<Candidate, Standing>,
  random: Random,
): readonly Seat<C>[] {
  const weights = effectiveWeights(available);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return available.map((candidate, index) => {
    const standing = standings.get(candidate) ?? { current: (random() - 0.5) * total };
    standings.set(candidate, standing);
    return { candidate, weight: weights[index] as number, standing };
  });
}

class SmoothPicker<C extends Candidate> implements Picker<C> {
  readonly #seats: readonly Seat<C>[];

  constructor(seats: readonly Seat<C>[]) {
    this.#seats = seats;
  }

  pick({ exclude }: PickRequest<C>): C | undefined {
    return nextTurn(this.#seats, exclude);
  }
}

/** Whose turn it is; `undefined` when all are excluded. Moves the standings. */
export function nextTurn<C>(
  seats: readonly Seat<C>[],
  exclude?: ReadonlySet<C> | undefined,
): C | undefined {
  let highest: Seat<C> | undefined;
  let total = 0;
  for (const seat of seats) {
    if (exclude?.has(seat.candidate)) continue;
    seat.standing.current += seat.weight;
    total += seat.weight;
    if (highest === undefined || seat.standing.current > highest.standing.current) highest = seat;
  }
  if (highest === undefined) return undefined;
  highest.standing.current -= total;
  return highest.candidate;
}
