/**
 * One conversation with the driver: ends of attempts go out, jobs come in, in the same round trip.
 *
 * Group commit: when nothing is under way, what there is to say is said at once; what comes up
 * meanwhile is collected, and goes with the next. So a lone job is settled without any delay, and the
 * busier the worker, the larger the batches, with no timer and nothing to tune. "At once" is when the
 * promises of the moment have run, because the jobs of one claim tend to end together.
 *
 * When a whole batch has come up while one is under way, it goes beside it: a worker of short jobs and
 * a server with several processes work at the same time, instead of waiting for each other in turn.
 *
 * When the driver fails it is asked again after a jittered delay of a second at most. Settlements are
 * kept for that long as their lease may still be there; then they are dropped, and the job will be
 * somebody else's. A settlement which is sent twice may find that the first has arrived: "lost" is then no news.
 */

import { type Backoff, fullJitterBackoff } from "@headroom/core/backoff";
import type { Clock, Timer } from "@headroom/core/clock";
import { isHeadroomError } from "@headroom/core/errors";
import type { Random } from "@headroom/core/random";
import type {
  Claim,
  ClaimedJob,
  QueueDriver,
  QueueSettings,
  Settlement,
  SettleOutcome,
  Verdict,
} from "../driver.ts";
import type { Attempt } from "./attempt.ts";

export interface ExchangeParts {
  readonly driver: QueueDriver;
  readonly settings: QueueSettings;
  readonly leaseMs: number;
  readonly clock: Clock;
  readonly random: Random;
  /**
   * How many jobs to claim now, 0 for none.
   * @param along whether a round trip is made anyway.
   * @param claiming how many are being claimed by the one under way.
   */
  readonly wanted: (along: boolean, claiming: number) => number;
  readonly claimed: (claim: Claim, limit: number, leaseUntilMs: number, tookMs: number) => void;
  /**
   * Before an end is settled that concerns others: this one alone waits, and is dropped when they could
   * not be told until then. Undefined: it concerns nobody.
   */
  readonly tellFirst:
    | ((job: ClaimedJob, verdict: Verdict, untilMs: number) => Promise<boolean> | undefined)
    | undefined;
  /** Before a settlement goes out; a promise makes it wait. */
  readonly beforeSettle:
    | ((settlements: readonly Settlement[]) => Promise<void> | undefined)
    | undefined;
  /** `unsure`: it was sent before without an answer. `dropped`: given up. */
  readonly settled: (
    attempt: Attempt,
    verdict: Verdict,
    outcome: SettleOutcome | "unsure" | "dropped",
  ) => void;
  readonly failed: (error: unknown, what: "claim" | "settle") => void;
}

interface Pending {
  readonly attempt: Attempt;
  readonly settlement: Settlement;
  sends: number;
}

const MOST_AT_ONCE = 1_000;
/** Round trips at a time. */
const MOST_TRIPS = 2;
/** So many settlements are worth a trip beside the one under way. */
const WORTH_A_TRIP = 100;

export class Exchange {
  readonly #parts: ExchangeParts;
  readonly #backoff: Backoff = fullJitterBackoff({ baseMs: 100, maxMs: 1_000 });
  #pending: Pending[] = [];
  #trips = 0;
  #claiming = 0;
  #scheduled = false;
  #failures = 0;
  /** Ends that wait for others to be told. */
  #telling = 0;
  #gaveUp = false;
  #retry: Timer | undefined;
  #most = MOST_AT_ONCE;
  #idle: (() => void)[] = [];

  constructor(parts: ExchangeParts) {
    this.#parts = parts;
  }

  /** Whether the driver failed when it was asked last. */
  get failing(): boolean {
    return this.#failures > 0;
  }

  settle(attempt: Attempt, verdict: Verdict): void {
    const untilMs = attempt.leaseUntilMs;
    const told = this.#parts.tellFirst?.(attempt.job, verdict, untilMs);
    if (told !== undefined) void this.#settleWhen(told, attempt, verdict);
    else this.#add(attempt, verdict);
  }

  /** Says what there is to say, now. */
  pump(): void {
    if (!this.#hasRoom()) return;
    const along = this.#pending.length > 0;
    const limit = this.#parts.wanted(along, this.#claiming);
    if (!along && limit === 0) {
      if (this.#telling === 0) this.#rest();
      return;
    }
    const sent = this.#pending.splice(0, this.#most);
    void this.#exchange(sent, limit);
  }

  /** Resolves when all is settled or given up, and nothing is under way. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#idle.push(resolve);
      this.pump();
    });
  }

  /** Drops what could not be settled so far. */
  giveUp(): void {
    this.#gaveUp = true;
    this.#retry?.cancel();
    this.#retry = undefined;
    for (const { attempt, settlement } of this.#pending.splice(0)) {
      this.#parts.settled(attempt, settlement.verdict, "dropped");
    }
    if (this.#trips === 0) this.#rest();
  }

  /** `pump`, once the promises of the moment have run. */
  pumpSoon(): void {
    if (this.#scheduled || !this.#hasRoom()) return;
    this.#scheduled = true;
    process.nextTick(this.#flush);
  }

  async #settleWhen(told: Promise<boolean>, attempt: Attempt, verdict: Verdict): Promise<void> {
    this.#telling += 1;
    const isTold = await told;
    this.#telling -= 1;
    if (isTold && !this.#gaveUp) this.#add(attempt, verdict);
    else {
      this.#parts.settled(attempt, verdict, "dropped");
      this.pumpSoon();
    }
  }

  #add(attempt: Attempt, verdict: Verdict): void {
    this.#pending.push({ attempt, settlement: { job: attempt.job, verdict }, sends: 0 });
    this.pumpSoon();
  }

  readonly #flush = (): void => {
    this.#scheduled = false;
    this.pump();
  };

  /** Whether a trip may begin. */
  #hasRoom(): boolean {
    if (this.#retry !== undefined) return false;
    if (this.#trips === 0) return true;
    return this.#trips < MOST_TRIPS && this.#pending.length >= WORTH_A_TRIP;
  }

  #rest(): void {
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  async #exchange(sent: Pending[], limit: number): Promise<void> {
    const { driver, settings, leaseMs, clock } = this.#parts;
    const claim = limit === 0 ? undefined : { limit, leaseMs };
    const settlements = sent.map(({ settlement }) => settlement);
    let answer: { outcomes: readonly SettleOutcome[]; claim: Claim | undefined };
    let askedMs = clock.monotonicNow();
    this.#trips += 1;
    this.#claiming += limit;
    try {
      const before = this.#parts.beforeSettle?.(settlements);
      if (before !== undefined) {
        await before;
        askedMs = clock.monotonicNow();
      }
      for (const each of sent) each.sends += 1;
      if (sent.length > 0) answer = await driver.settle(settings, settlements, { claim });
      else if (claim !== undefined) {
        answer = { outcomes: [], claim: await driver.claim(settings, claim) };
      } else answer = { outcomes: [], claim: undefined };
    } catch (error) {
      this.#trips -= 1;
      this.#claiming -= limit;
      this.#hasFailed(error, sent);
      return;
    }
    this.#trips -= 1;
    this.#claiming -= limit;
    this.#failures = 0;
    this.#most = MOST_AT_ONCE;
    for (let at = 0; at < sent.length; at++) this.#hasSettled(sent[at], answer.outcomes[at]);
    if (answer.claim !== undefined) {
      const tookMs = clock.monotonicNow() - askedMs;
      this.#parts.claimed(answer.claim, limit, askedMs + leaseMs, tookMs);
    }
    // Ahead of what the jobs that came in have to say, so that the next claim is under way meanwhile.
    this.pump();
  }

  #hasSettled(sent: Pending | undefined, outcome: SettleOutcome | undefined): void {
    if (sent === undefined) return;
    const known = outcome === "lost" && sent.sends > 1 ? "unsure" : (outcome ?? "lost");
    this.#parts.settled(sent.attempt, sent.settlement.verdict, known);
  }

  #hasFailed(error: unknown, sent: Pending[]): void {
    const { clock, random, leaseMs } = this.#parts;
    this.#failures += 1;
    this.#parts.failed(error, sent.length > 0 ? "settle" : "claim");
    const nowMs = clock.monotonicNow();
    let kept = sent;
    // What the driver cannot take, it never will: found by halves, so that it does not hold up the rest.
    if (sent.length > 0 && !(isHeadroomError(error) && error.retryable)) {
      if (sent.length === 1) kept = [];
      this.#most = Math.ceil(sent.length / 2);
    }
    // Nobody may have swept a lease that has run out, so one more lease is given it.
    kept = kept.filter(({ attempt }) => attempt.leaseUntilMs + leaseMs > nowMs);
    const keptNow = new Set(kept);
    for (const each of sent) {
      if (keptNow.has(each)) continue;
      this.#parts.settled(each.attempt, each.settlement.verdict, "dropped");
    }
    this.#pending = [...kept, ...this.#pending];
    const delayMs = this.#backoff(this.#failures, random, 0);
    this.#retry?.cancel();
    this.#retry = clock.timer(() => {
      this.#retry = undefined;
      this.pump();
    }, delayMs);
  }
}
