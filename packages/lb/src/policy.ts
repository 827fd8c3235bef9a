/**
 * Whom to choose: the interface of every load balancing policy.
 *
 * A {@link Policy} is given the targets that may be used and answers with a {@link Picker} for just
 * these. When one comes, goes, is ejected, returns or changes its weight, the policy is asked for
 * another picker; so a picker may prepare what it likes (a table, cumulative weights) and a pick
 * never sees half a change. Choosing is synchronous, does no I/O and reads no clock.
 *
 * What is known about a target is read from the {@link Candidate} itself, which its owner keeps up to
 * date. Policies are therefore pure choice: they can be tested without a server, and used without
 * the rest of this package.
 */

import type { Key } from "@headroom/hashing";

/** One target as a policy sees it. Its identity is the object. */
export interface Candidate {
  /** Unique within a balancer, the same in every process: `"10.0.0.1:3000"`. */
  readonly id: string;
  /** The configured weight, a finite number above 0. It does not change. */
  readonly weight: number;
  /** The share of its weight that it gets, above 0 to 1: below 1 while it starts slowly. */
  readonly share: number;
  /** How many requests it has under way. */
  readonly inFlight: number;
  /** How slow it is, in milliseconds, failures included; {@link PickRequest.nowMs} is the time. */
  readonly latency: { estimateAt(nowMs: number): number };
}

/** One choice to be made. */
export interface PickRequest<C extends Candidate = Candidate> {
  /** A monotonic clock, in milliseconds. */
  readonly nowMs: number;
  /** What keeps its target, for policies that hash: a user, a tenant, a client's address. */
  readonly key?: Key | undefined;
  /** Not these: a retry goes to another target, a hedge too. */
  readonly exclude?: ReadonlySet<C> | undefined;
}

export interface Picker<C extends Candidate = Candidate> {
  /** The target for this request; `undefined` when all are excluded. */
  pick(request: PickRequest<C>): C | undefined;
}

export interface Policy {
  /** `"p2c-ewma"`. */
  readonly name: string;
  /**
   * A picker among `available`, which is never empty.
   *
   * @param all these and the ones that are out at the moment. A policy that hashes builds its table
   *   of all, and passes over those not available: a target that is ejected and returns then moves
   *   only its own keys.
   */
  picker<C extends Candidate>(available: readonly C[], all: readonly C[]): Picker<C>;
}
