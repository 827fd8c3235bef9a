/**
 * One request at one target, from the choice to its end.
 *
 * A lease is given back exactly once: the first `done` counts and all others do nothing, so that every
 * path on which a request may end can say so without asking whether another did. Until then the
 * request is in flight and weighs on its target.
 */

import type { Endpoint } from "./endpoint.ts";
import type { Outcome } from "./outcome.ts";
import type { Candidate } from "./policy.ts";

export interface Lease<T> {
  /** The target's id. */
  readonly id: string;
  readonly target: T;
  /** For the `exclude` of the next pick, when this one fails. */
  readonly candidate: Candidate;
  /**
   * The request is over.
   *
   * @param latencyMs how long the target took to answer, when that is less than all the time since
   *   the pick: the time to the response headers, not to the end of a long body.
   */
  done(outcome: Outcome, latencyMs?: number): void;
}

/** Who is told of the end. */
export interface LeaseOwner<T> {
  leaseOver(lease: EndpointLease<T>, outcome: Outcome, latencyMs: number | undefined): void;
}

export class EndpointLease<T> implements Lease<T> {
  readonly candidate: Endpoint<T>;
  readonly startedMs: number;
  /** How long this process had stood still by then, see `pause-watch`. */
  readonly pausedMs: number;
  readonly #owner: LeaseOwner<T>;
  #isOver = false;

  constructor(owner: LeaseOwner<T>, candidate: Endpoint<T>, startedMs: number, pausedMs: number) {
    this.#owner = owner;
    this.candidate = candidate;
    this.startedMs = startedMs;
    this.pausedMs = pausedMs;
  }

  get id(): string {
    return this.candidate.id;
  }

  get target(): T {
    return this.candidate.target;
  }

  done(outcome: Outcome, latencyMs?: number): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#owner.leaseOver(this, outcome, latencyMs);
  }
}
