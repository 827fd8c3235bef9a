/**
 * Asking targets how they are, beside the requests.
 *
 * Requests tell sooner and more truly whether a target is well, but only of targets that get some: a
 * target that was ejected, or a spare one of a lower priority, is heard of through its checks alone.
 * Each target has one prober, which asks from time to time and counts: three failures in a row make it
 * unfit, two successes make it fit again. A target that is new is taken for fit.
 *
 * - **No herd.** A hundred processes that start together would check together for ever. The first
 *   check comes within a second, so that a target which is down is found out soon; the second after a
 *   random part of an interval, so that from then on the checks of many processes are spread
 *   evenly; and each interval is a little longer or shorter, so that they stay so.
 * - **Less where requests say it all.** While requests succeed, a check tells nothing new, and waits
 *   for `healthyIntervalMs`.
 * - **Never two at a time for one target.** A check that takes too long has failed, and is abandoned if
 *   it ignores its signal; what it answers later is dropped. While it hangs, the target fails each
 *   further check unasked, so that they do not pile up; but not for ever, since a check whose promise is
 *   lost must not keep its target out for good. After 30 s it is asked anew.
 * - **Not for our own fault.** When this process stood still, the timeout is called before the answer
 *   that arrived meanwhile is read. A timeout that comes late says nothing.
 *
 * What follows from a result is for its owner to decide, the balancer's `judge`.
 */

import type { Timer } from "@headroom/core/clock";
import { withDeadline } from "@headroom/core/deadline";
import { isHeadroomError } from "@headroom/core/errors";
import {
  type ActiveCheckOptions,
  type ActiveCheckOwner,
  type ActiveCheckRules,
  activeCheckRules,
} from "./active-check-options.ts";

export type { ActiveCheckOptions, ActiveCheckOwner } from "./active-check-options.ts";

const FIRST_WITHIN_MS = 1_000;

/** How long a check that hangs is believed to be still under way. */
const ABANDONED_MS = 30_000;

/** A timeout that is late by more than this share of itself was held up in this process. */
const TOLERATED_LATENESS = 0.1;

/** The checks of all targets of one balancer. No timer of theirs keeps the process alive. */
export class ActiveChecks<T> {
  readonly #rules: ActiveCheckRules<T>;
  readonly #probers = new Map<string, Prober<T>>();
  #isClosed = false;

  /** @throws TypeError or RangeError naming the option that is unknown or out of its range. */
  constructor(options: ActiveCheckOptions<T>, owner: ActiveCheckOwner) {
    this.#rules = activeCheckRules(options, owner);
  }

  /** Checks a target from now on; one that had the same id no longer. */
  add(id: string, target: T): void {
    if (this.#isClosed) return;
    this.remove(id);
    this.#probers.set(id, new Prober(id, target, this.#rules));
  }

  /** Ends the checks of a target: a result that is still to come is dropped. */
  remove(id: string): void {
    this.#probers.get(id)?.end();
    this.#probers.delete(id);
  }

  /** Ends all checks, for good. Calling it again does nothing. */
  close(): void {
    this.#isClosed = true;
    for (const id of [...this.#probers.keys()]) this.remove(id);
  }
}

type Verdict =
  | { readonly type: "succeeded" }
  | { readonly type: "failed"; readonly cause: unknown }
  | { readonly type: "unknown" };

/** Checks one target, one check at a time, until it is ended. */
class Prober<T> {
  readonly #id: string;
  readonly #target: T;
  readonly #rules: ActiveCheckRules<T>;
  readonly #ended = new AbortController();
  #timer: Timer;
  #isFit = true;
  /** Successes in a row, or below 0 failures in a row. */
  #streak = 0;
  #lastTickMs = Number.NEGATIVE_INFINITY;
  #lastCheckMs = Number.NEGATIVE_INFINITY;
  /** The check that has not settled, timed out or not. */
  #underWay: { readonly startedMs: number } | undefined;

  constructor(id: string, target: T, rules: ActiveCheckRules<T>) {
    this.#id = id;
    this.#target = target;
    this.#rules = rules;
    const { clock, random, intervalMs } = rules;
    this.#timer = clock.timer(this.#tick, random() * Math.min(FIRST_WITHIN_MS, intervalMs));
  }

  end(): void {
    this.#timer.cancel();
    this.#ended.abort();
  }

  readonly #tick = (): void => void this.#beat();

  async #beat(): Promise<void> {
    const { clock } = this.#rules;
    const nowMs = clock.monotonicNow();
    const isFirst = this.#lastTickMs === Number.NEGATIVE_INFINITY;
    const mayRest = this.#mayRest(nowMs);
    this.#lastTickMs = nowMs;
    if (!mayRest) {
      this.#lastCheckMs = nowMs;
      const verdict = await this.#check(nowMs);
      if (this.#ended.signal.aborted) return;
      this.#count(verdict);
    }
    const tookMs = clock.monotonicNow() - nowMs;
    this.#timer = clock.timer(this.#tick, Math.max(0, this.#intervalMs(isFirst) - tookMs));
  }

  /** Whether requests since the last time make this check superfluous. */
  #mayRest(nowMs: number): boolean {
    const { healthyIntervalMs, isProven } = this.#rules;
    if (!this.#isFit || this.#streak <= 0) return false;
    if (nowMs - this.#lastCheckMs >= healthyIntervalMs) return false;
    return isProven(this.#id, this.#lastTickMs);
  }

  #intervalMs(isFirst: boolean): number {
    const { intervalMs, jitter, random } = this.#rules;
    return intervalMs * (isFirst ? random() : 1 + jitter * (2 * random() - 1));
  }

  async #check(nowMs: number): Promise<Verdict> {
    const { clock, timeoutMs } = this.#rules;
    if (this.#underWay !== undefined && nowMs < this.#underWay.startedMs + ABANDONED_MS) {
      return { type: "failed", cause: new Error(`an earlier check of ${this.#id} still hangs`) };
    }
    try {
      const limits = { timeoutMs, signal: this.#ended.signal, what: `the check of ${this.#id}` };
      const answer = await withDeadline({ ...limits, clock }, (signal) => this.#ask(signal, nowMs));
      return answer === false ? { type: "failed", cause: undefined } : { type: "succeeded" };
    } catch (cause) {
      const lateMs = clock.monotonicNow() - nowMs - timeoutMs;
      const isOurs =
        isHeadroomError(cause, "DEADLINE_EXCEEDED") && lateMs > TOLERATED_LATENESS * timeoutMs;
      return isOurs ? { type: "unknown" } : { type: "failed", cause };
    }
  }

  async #ask(signal: AbortSignal, startedMs: number): Promise<unknown> {
    const underWay = { startedMs };
    this.#underWay = underWay;
    try {
      return await this.#rules.check(this.#target, signal);
    } finally {
      // Not if another one was started after this was given up.
      if (this.#underWay === underWay) this.#underWay = undefined;
    }
  }

  #count(verdict: Verdict): void {
    const { healthyThreshold, unhealthyThreshold, onResult } = this.#rules;
    if (verdict.type === "unknown") return;
    if (verdict.type === "succeeded") {
      this.#streak = Math.max(0, this.#streak) + 1;
      if (!this.#isFit && this.#streak < healthyThreshold) return;
      this.#isFit = true;
      onResult(this.#id, true);
    } else {
      this.#streak = Math.min(0, this.#streak) - 1;
      if (this.#isFit && -this.#streak < unhealthyThreshold) return;
      this.#isFit = false;
      onResult(this.#id, false, verdict.cause);
    }
  }
}
