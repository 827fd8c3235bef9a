/**
 * When to claim, and how many.
 *
 * Hungry is who got all that was asked for the last time, or has heard since that there may be more.
 * Who is not sleeps until the driver says that something is due, or for a second at most: an event may
 * be lost, and nobody tells of a job that was added for later, or that a dead worker has left behind.
 * The sleep is jittered, so that a hundred workers do not ask together.
 *
 * A claim takes at most half of what there is room for: the jobs of one half run while the other is
 * fetched. Along with settlements any number is claimed, because that trip is made anyway.
 */

import type { Clock, Timer } from "@headroom/core/clock";
import type { Random } from "@headroom/core/random";
import { Prefetch } from "./prefetch.ts";
import { RateGate } from "./rate-gate.ts";
import type { WorkerRules } from "./worker-options.ts";

export interface AppetiteParts {
  readonly rules: WorkerRules;
  /** How many jobs may run at a time. */
  readonly jobSlots: number;
  readonly clock: Clock;
  readonly random: Random;
  /** There may be something to claim. */
  readonly ask: () => void;
}

/** The longest sleep. */
const POLL_MS = 1_000;

export class Appetite {
  readonly prefetch: Prefetch;
  readonly #parts: AppetiteParts;
  readonly #gate: RateGate | undefined;
  #hungry = true;
  /** Something happened while a claim was under way, which may not have seen it. */
  #told = false;
  #full = false;
  #sleep: Timer | undefined;

  constructor(parts: AppetiteParts) {
    this.#parts = parts;
    this.prefetch = new Prefetch(parts.jobSlots, parts.rules.prefetch);
    this.#gate = parts.rules.rate && new RateGate(parts.rules.rate);
  }

  get hungry(): boolean {
    return this.#hungry && !this.#full;
  }

  /** Whether a rate may keep it from claiming for as long as it likes. */
  get rated(): boolean {
    return this.#gate !== undefined;
  }

  /**
   * How many to claim now; they are then under way.
   * @param along whether a trip to the driver is made anyway.
   * @param held jobs that run or wait.
   * @param starved whether there is a place free and nothing to run.
   */
  wanted(along: boolean, held: number, starved: boolean): number {
    if (this.#full || (!along && !this.#hungry)) return 0;
    const capacity = this.#parts.jobSlots + this.prefetch.size;
    const half = Math.ceil(capacity / 2);
    let limit = Math.min(capacity - held, half);
    // A claim for a job or two, while there is work for all places, is not worth a trip of its own.
    if (!along && limit < half && !starved) return 0;
    if (limit > 0 && this.#gate !== undefined) limit = this.#letThrough(this.#gate, limit);
    if (limit <= 0) return 0;
    this.#wake();
    this.#told = false;
    return limit;
  }

  /** A claim for `limit` jobs brought so many. */
  got(jobs: number, limit: number, nextMs: number | undefined): void {
    const { clock, random } = this.#parts;
    this.#gate?.take(jobs, clock.monotonicNow());
    this.#hungry = jobs >= limit || this.#told;
    if (this.#hungry || this.#full) return;
    const pollMs = POLL_MS * (0.5 + random() / 2);
    this.#sleepFor(Math.min(nextMs ?? pollMs, pollMs));
  }

  /** There may be more. */
  told(): void {
    if (this.#full) return;
    this.#told = true;
    this.#hungry = true;
    this.#parts.ask();
  }

  /** Nothing is wanted any more. */
  stop(): void {
    this.#full = true;
    this.#wake();
  }

  #letThrough(gate: RateGate, limit: number): number {
    const nowMs = this.#parts.clock.monotonicNow();
    const room = gate.room(nowMs);
    if (room === 0) this.#sleepFor(gate.nextMs(nowMs));
    return Math.min(limit, room);
  }

  #sleepFor(ms: number): void {
    this.#wake();
    const wake = (): void => {
      this.#sleep = undefined;
      this.told();
    };
    // Not 0: a driver that says "now" and then has nothing must not be asked without end.
    this.#sleep = this.#parts.clock.timer(wake, Math.max(1, ms));
  }

  #wake(): void {
    this.#sleep?.cancel();
    this.#sleep = undefined;
  }
}
