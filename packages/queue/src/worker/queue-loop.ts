/**
 * The work of one worker on one physical queue.
 *
 *     exchange ──claimed──► waiting ──slot free──► running ──verdict──► exchange
 *                              heartbeat and deadlines over both
 *
 * There is no loop that sleeps and polls: everything that happens (jobs came in, one ended, the
 * driver told of more, a timer rang) asks the {@link Exchange} to say what there is to say, and that
 * asks back how many jobs are wanted. Whether to claim when nothing else is to be said is `#hungry`:
 * the last claim got all it asked for, or something happened since.
 *
 * A job leaves exactly once: settled, or dropped because its lease is lost. What a handler does after
 * that is counted and ignored.
 */

import type { Clock, Timer } from "@headroom/core/clock";
import type { Random } from "@headroom/core/random";
import type {
  Claim,
  ClaimedJob,
  DriverEvent,
  LeaseState,
  QueueDriver,
  Settlement,
  SettleOutcome,
  Subscription,
  Swept,
  Verdict,
} from "../driver.ts";
import { QueueError } from "../errors.ts";
import type { JobMiddleware } from "../job.ts";
import type { PhysicalRules } from "../queue-options.ts";
import { Attempt } from "./attempt.ts";
import { BatchGroup } from "./batch-group.ts";
import { runBatch } from "./batch-runner.ts";
import { Deadlines } from "./deadlines.ts";
import { Exchange } from "./exchange.ts";
import { Liveness, type WorkerHealth } from "./health.ts";
import { Heartbeat } from "./heartbeat.ts";
import { type HandlerEntry, JobRunner } from "./job-runner.ts";
import { leaseLost } from "./job-view.ts";
import { Prefetch } from "./prefetch.ts";
import { RateGate } from "./rate-gate.ts";
import { Reporter, type WorkerCounts } from "./reporter.ts";
import { unhandled } from "./unhandled.ts";
import type { WorkerRules } from "./worker-options.ts";

export interface LoopParts {
  readonly driver: QueueDriver;
  readonly physical: PhysicalRules;
  /** By the name of the definition. */
  readonly handlers: ReadonlyMap<string, HandlerEntry>;
  readonly rules: WorkerRules;
  readonly middleware: readonly JobMiddleware[];
  readonly emulateLongDelay: boolean;
  /** Before ends of attempts are told to the driver; see `Exchange`. */
  readonly beforeSettle:
    | ((settlements: readonly Settlement[]) => Promise<void> | undefined)
    | undefined;
  /** Jobs that were found dead by a sweep. */
  readonly swept: ((swept: Swept) => void) | undefined;
  readonly clock: Clock;
  readonly random: Random;
}

const POLL_MS = 5_000;
/** What a handler has to end in after its signal has aborted. */
const MOST_GRACE_MS = 5_000;

export class QueueLoop {
  readonly #parts: LoopParts;
  readonly #queue: string;
  readonly #exchange: Exchange;
  readonly #heartbeat: Heartbeat;
  readonly #deadlines: Deadlines<Attempt>;
  readonly #runner: JobRunner;
  readonly #prefetch: Prefetch;
  readonly #gate: RateGate | undefined;
  readonly #liveness: Liveness;
  readonly #reporter: Reporter;
  readonly #graceMs: number;
  /** Jobs that the running ones may be: more than the slots, with batches. */
  readonly #jobSlots: number;
  #subscription: Subscription | undefined;
  #waiting: Attempt[] = [];
  #running = 0;
  #busySlots = 0;
  #hungry = true;
  #told = false;
  #starting = false;
  #stopping = false;
  #sleep: Timer | undefined;
  #sweepTimer: Timer | undefined;
  #sweeping: Promise<void> | undefined;
  #drained: (() => void)[] = [];

  constructor(parts: LoopParts) {
    const { driver, physical, clock, random, rules, handlers } = parts;
    const { settings, leaseMs } = physical;
    this.#parts = parts;
    this.#queue = settings.name;
    const largest = Math.max(
      1,
      ...[...handlers.values()].map(({ handler }) =>
        typeof handler === "function" ? 1 : handler.size,
      ),
    );
    this.#jobSlots = rules.concurrency * largest;
    this.#graceMs = Math.min(MOST_GRACE_MS, leaseMs / 3);
    this.#prefetch = new Prefetch(this.#jobSlots, rules.prefetch);
    this.#gate = rules.rate && new RateGate(rules.rate);
    this.#liveness = new Liveness(clock, Math.max(3 * POLL_MS, 2 * leaseMs));
    this.#reporter = new Reporter(this.#queue, driver.name, clock);
    this.#runner = new JobRunner({
      driver,
      settings,
      random,
      middleware: parts.middleware,
      ended: (attempt, verdict, error) => this.#ended(attempt, verdict, error),
    });
    this.#exchange = new Exchange({
      driver,
      settings,
      leaseMs,
      clock,
      random,
      wanted: (along) => this.#wanted(along),
      claimed: (claim, limit, untilMs, tookMs) => this.#claimed(claim, limit, untilMs, tookMs),
      beforeSettle: parts.beforeSettle,
      settled: (attempt, verdict, outcome) => this.#settled(attempt, verdict, outcome),
      failed: (_error, what) =>
        this.#reporter.degraded(what === "claim" ? "claim-failed" : "settle-failed"),
    });
    this.#heartbeat = new Heartbeat({
      driver,
      settings,
      leaseMs,
      clock,
      held: () => this.#held(),
      lost: (attempt, state) => this.#lost(attempt, state),
      extended: () => this.#liveness.succeeded(),
      failed: () => this.#reporter.degraded("extend-failed"),
    });
    this.#deadlines = new Deadlines(clock, (attempt) => this.#timeIsUp(attempt));
  }

  start(): void {
    const { driver, physical } = this.#parts;
    const kinds: DriverEvent["kind"][] = driver.capabilities.admin
      ? ["ready", "cancelled"]
      : ["ready"];
    try {
      this.#subscription = driver.subscribe(physical.settings, kinds, (event) => this.#hear(event));
      this.#subscription.ready.catch(() => this.#reporter.degraded("subscription-failed"));
    } catch {
      this.#reporter.degraded("subscription-failed");
    }
    this.#scheduleSweep();
    this.#exchange.pump();
  }

  get counts(): WorkerCounts {
    return { ...this.#reporter.counts, running: this.#running, waiting: this.#waiting.length };
  }

  health(): WorkerHealth {
    return this.#liveness.read(this.#stopping || this.#gate !== undefined);
  }

  /** No new jobs; those that wait here go back at once, with their attempt. */
  stopClaiming(): void {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#wake();
    this.#sweepTimer?.cancel();
    for (const attempt of this.#waiting.splice(0)) this.#release(attempt);
    this.#exchange.pump();
  }

  /** Resolves when no handler runs any more. */
  drained(): Promise<void> {
    if (this.#running === 0) return Promise.resolve();
    return new Promise((resolve) => this.#drained.push(resolve));
  }

  abortRunning(): void {
    const reason = new QueueError(
      "QUEUE_STOPPING",
      this.#queue,
      `queue "${this.#queue}": the worker stops; the job will be run again`,
    );
    for (const attempt of [...this.#deadlines]) attempt.abort(reason);
  }

  /** Gives back what still runs: its handlers are on their own from here. */
  releaseRunning(): void {
    for (const attempt of [...this.#deadlines]) {
      this.#reporter.degraded("handler-stuck");
      this.#leave(attempt);
      this.#release(attempt);
    }
  }

  /** Resolves when all ends are told. */
  settledAll(): Promise<void> {
    return this.#exchange.idle();
  }

  async close(): Promise<void> {
    this.#exchange.giveUp();
    this.#heartbeat.close();
    this.#deadlines.close();
    this.#wake();
    this.#sweepTimer?.cancel();
    await this.#sweeping;
    await this.#subscription?.close();
  }

  #wanted(along: boolean): number {
    if (this.#stopping || (!along && !this.#hungry)) return 0;
    const capacity = this.#jobSlots + this.#prefetch.size;
    const held = this.#running + this.#waiting.length;
    const half = Math.ceil(capacity / 2);
    let limit = Math.min(capacity - held, half);
    // A claim for a job or two, while there is work for all slots, is not worth a trip of its own.
    const starved = this.#busySlots < this.#parts.rules.concurrency && this.#waiting.length === 0;
    if (!along && limit < half && !starved) return 0;
    if (limit > 0 && this.#gate !== undefined) limit = this.#throughGate(this.#gate, limit);
    if (limit <= 0) return 0;
    this.#wake();
    this.#told = false;
    return limit;
  }

  #throughGate(gate: RateGate, limit: number): number {
    const nowMs = this.#parts.clock.monotonicNow();
    const room = gate.room(nowMs);
    if (room === 0) this.#sleepFor(gate.nextMs(nowMs));
    return Math.min(limit, room);
  }

  #claimed(claim: Claim, limit: number, leaseUntilMs: number, tookMs: number): void {
    this.#liveness.succeeded();
    this.#prefetch.asked(tookMs);
    const { jobs, nextMs, swept } = claim;
    if (swept !== undefined) this.#sweptSome(swept);
    this.#gate?.take(jobs.length, this.#parts.clock.monotonicNow());
    for (const job of jobs) this.#accept(job, leaseUntilMs);
    this.#hungry = jobs.length >= limit || this.#told;
    if (!this.#hungry) this.#sleepFor(Math.min(nextMs ?? POLL_MS, this.#pollMs()));
    if (this.#stopping) return;
    if (jobs.length > 0) {
      this.#heartbeat.start();
      // After the next claim has been sent: see `Exchange`.
      process.nextTick(this.#startWaiting);
    }
  }

  #accept(job: ClaimedJob, leaseUntilMs: number): void {
    const attempt = new Attempt(job, leaseUntilMs);
    if (this.#stopping) {
      this.#release(attempt);
      return;
    }
    const { handlers, clock, driver, emulateLongDelay } = this.#parts;
    const verdict = unhandled(job, handlers, clock.now(), {
      longestMs: driver.capabilities.delayMs,
      emulateLongDelay,
    });
    if (verdict === undefined) this.#waiting.push(attempt);
    else this.#settle(attempt, verdict);
  }

  readonly #startWaiting = (): void => {
    if (this.#starting || this.#stopping) return;
    this.#starting = true;
    let started = 0;
    while (this.#busySlots < this.#parts.rules.concurrency) {
      const attempt = this.#waiting[started];
      if (attempt === undefined) break;
      started += 1;
      if (attempt.stage !== "waiting") continue;
      const entry = this.#parts.handlers.get(attempt.job.name);
      if (entry !== undefined) this.#begin(attempt, entry, started);
    }
    if (started > 0) this.#waiting.splice(0, started);
    this.#starting = false;
    if (this.#hungry) this.#exchange.pumpSoon();
  };

  #begin(attempt: Attempt, { rules, handler }: HandlerEntry, from: number): void {
    this.#busySlots += 1;
    if (typeof handler === "function") {
      this.#enter(attempt, rules.timeoutMs);
      this.#runner.run(rules, handler, attempt);
      return;
    }
    const attempts = [attempt];
    for (let at = from; at < this.#waiting.length && attempts.length < handler.size; at++) {
      const other = this.#waiting[at];
      if (other?.stage === "waiting" && other.job.name === attempt.job.name) attempts.push(other);
    }
    const group = new BatchGroup(attempts);
    for (const each of attempts) {
      each.group = group;
      this.#enter(each, rules.timeoutMs);
    }
    const { driver, physical } = this.#parts;
    void runBatch(this.#runner, rules, handler, group, { driver, settings: physical.settings });
  }

  #enter(attempt: Attempt, timeoutMs: number): void {
    const nowMs = this.#parts.clock.monotonicNow();
    attempt.stage = "running";
    attempt.startedMs = nowMs;
    this.#running += 1;
    this.#deadlines.add(attempt, timeoutMs, nowMs);
  }

  /** Its place is free from now on. */
  #leave(attempt: Attempt): void {
    this.#deadlines.remove(attempt);
    attempt.stage = "over";
    this.#running -= 1;
    const { group } = attempt;
    if (group === undefined) this.#busySlots -= 1;
    else {
      group.left -= 1;
      if (group.left === 0) this.#busySlots -= 1;
    }
    if (this.#running === 0) for (const resolve of this.#drained.splice(0)) resolve();
  }

  /** A handler has ended. */
  #ended(attempt: Attempt, verdict: Verdict, error: unknown): void {
    if (attempt.stage === "over") {
      this.#reporter.degraded("late-result");
      return;
    }
    this.#prefetch.ran(this.#parts.clock.monotonicNow() - attempt.startedMs);
    this.#leave(attempt);
    this.#conclude(attempt, verdict, error);
    this.#startWaiting();
  }

  #conclude(attempt: Attempt, verdict: Verdict, error: unknown): void {
    const code = attempt.aborted?.code;
    if (code === "QUEUE_LEASE_LOST" || code === "QUEUE_CANCELLED") {
      if (verdict.kind === "done") this.#reporter.degraded("late-result");
    } else if (code === "QUEUE_TIMEOUT") this.#settle(attempt, this.#timedOut(attempt));
    else if (code === "QUEUE_STOPPING" && error !== undefined) this.#release(attempt);
    else if (attempt.completedInTx && error === undefined) this.#reporter.ended(verdict);
    else this.#settle(attempt, verdict);
  }

  #timedOut(attempt: Attempt): Verdict {
    const entry = this.#parts.handlers.get(attempt.job.name);
    if (entry === undefined) return { kind: "release", delayMs: 0 };
    return this.#runner.failure(entry.rules, attempt, attempt.aborted, "timeout");
  }

  /** Its timeout, or if its signal has aborted, the time that it had to end in. */
  #timeIsUp(attempt: Attempt): void {
    const { clock, handlers } = this.#parts;
    if (attempt.aborted !== undefined) {
      this.#reporter.degraded("handler-stuck");
      this.#leave(attempt);
      this.#conclude(attempt, { kind: "release", delayMs: 0 }, attempt.aborted);
      this.#startWaiting();
      return;
    }
    const ms = handlers.get(attempt.job.name)?.rules.timeoutMs;
    const message = `queue "${this.#queue}": a job took more than ${ms} ms`;
    this.#deadlines.add(attempt, this.#graceMs, clock.monotonicNow());
    attempt.abort(new QueueError("QUEUE_TIMEOUT", this.#queue, message));
  }

  #lost(attempt: Attempt, state: Exclude<LeaseState, "extended">): void {
    if (state === "lost") this.#reporter.degraded("lease-lost");
    if (attempt.stage === "waiting") {
      attempt.stage = "over";
      this.#waiting = this.#waiting.filter((other) => other !== attempt);
      return;
    }
    if (attempt.stage === "over" || attempt.aborted !== undefined) return;
    const reason =
      state === "lost"
        ? leaseLost(this.#queue)
        : new QueueError("QUEUE_CANCELLED", this.#queue, `queue "${this.#queue}": cancelled`);
    this.#deadlines.remove(attempt);
    this.#deadlines.add(attempt, this.#graceMs, this.#parts.clock.monotonicNow());
    attempt.abort(reason);
  }

  /** Back in the queue, as if it had not been claimed. */
  #release(attempt: Attempt): void {
    this.#settle(attempt, { kind: "release", delayMs: 0 });
  }

  #settle(attempt: Attempt, verdict: Verdict): void {
    attempt.stage = "over";
    this.#exchange.settle(attempt, verdict);
  }

  #settled(
    attempt: Attempt,
    verdict: Verdict,
    outcome: SettleOutcome | "unsure" | "dropped",
  ): void {
    if (outcome === "lost") this.#reporter.degraded("lease-lost");
    else if (outcome === "dropped") this.#reporter.degraded("settlement-dropped");
    else {
      this.#reporter.ended(verdict);
      if (verdict.kind === "dead") {
        this.#reporter.dead(attempt.job.name, attempt.job.attempt, verdict.reason);
      }
    }
  }

  *#held(): Iterable<Attempt> {
    yield* [...this.#waiting];
    for (const attempt of this.#deadlines) {
      const code = attempt.aborted?.code;
      const gone = code === "QUEUE_LEASE_LOST" || code === "QUEUE_CANCELLED";
      if (!gone && !attempt.completedInTx) yield attempt;
    }
  }

  #hear(event: DriverEvent): void {
    if (this.#stopping) return;
    if (event.kind === "ready") this.#becomeHungry();
    else if (event.kind === "cancelled") {
      for (const attempt of [...this.#held()]) {
        if (attempt.job.id === event.id) this.#lost(attempt, "cancelled");
      }
    }
  }

  #becomeHungry(): void {
    this.#told = true;
    this.#hungry = true;
    this.#exchange.pump();
  }

  #pollMs(): number {
    return POLL_MS * (0.5 + this.#parts.random() / 2);
  }

  #sleepFor(ms: number): void {
    this.#sleep?.cancel();
    this.#sleep = this.#parts.clock.timer(() => {
      this.#sleep = undefined;
      this.#becomeHungry();
    }, ms);
  }

  #wake(): void {
    this.#sleep?.cancel();
    this.#sleep = undefined;
  }

  /** Often enough that the jobs of a worker that died are ready a moment after their lease. */
  #scheduleSweep(): void {
    const { clock, random, physical } = this.#parts;
    const delayMs = (physical.leaseMs / 15) * (0.5 + random() / 2);
    this.#sweepTimer = clock.timer(() => {
      this.#sweeping = this.#sweep();
    }, delayMs);
  }

  async #sweep(): Promise<void> {
    try {
      this.#sweptSome(await this.#parts.driver.sweep(this.#parts.physical.settings));
    } catch {
      this.#reporter.degraded("sweep-failed");
    }
    if (!this.#stopping) this.#scheduleSweep();
  }

  #sweptSome(swept: Swept): void {
    if (swept.recovered > 0) this.#reporter.degraded("recovered", swept.recovered);
    for (const { name, attempts } of swept.dead)
      this.#reporter.dead(name, attempts, "lease-expired");
    if (swept.dead.length > 0) this.#parts.swept?.(swept);
    if (swept.recovered > 0 && !this.#stopping) this.#becomeHungry();
  }
}
