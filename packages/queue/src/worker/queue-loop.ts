/**
 * The work of one worker on one physical queue.
 *
 *     exchange ──claimed──► waiting ──place free──► running ──verdict──► exchange
 *                              heartbeat over both, deadlines over the running
 *
 * There is no loop that sleeps and polls: everything that happens (jobs came in, one ended, the
 * driver told of more, a timer rang) asks the {@link Exchange} to say what there is to say, and that
 * asks back how many jobs are wanted: see {@link Appetite}.
 *
 * A job leaves exactly once: settled, or dropped because its lease is lost. What a handler does after
 * that is counted and ignored.
 */

import type { Clock } from "@headroom/core/clock";
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
import type { JobMiddleware } from "../job.ts";
import type { PhysicalRules } from "../queue-options.ts";
import { Appetite } from "./appetite.ts";
import { Attempt } from "./attempt.ts";
import { BatchGroup } from "./batch-group.ts";
import { runBatch } from "./batch-runner.ts";
import { Exchange } from "./exchange.ts";
import { Liveness, type WorkerHealth } from "./health.ts";
import { Heartbeat } from "./heartbeat.ts";
import { type HandlerEntry, JobRunner } from "./job-runner.ts";
import { Reporter, type WorkerCounts } from "./reporter.ts";
import { RELEASED, RunningJobs } from "./running-jobs.ts";
import { Sweeper } from "./sweeper.ts";
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
  /** See `Exchange`. */
  readonly tellFirst:
    | ((job: ClaimedJob, verdict: Verdict, untilMs: number) => Promise<boolean> | undefined)
    | undefined;
  /** Before ends of attempts are told to the driver; see `Exchange`. */
  readonly beforeSettle:
    | ((settlements: readonly Settlement[]) => Promise<void> | undefined)
    | undefined;
  /** Jobs that a sweep found dead. */
  readonly swept: ((swept: Swept) => void) | undefined;
  readonly clock: Clock;
  readonly random: Random;
}

/** Without a claim or an extension for so long, a worker is not well. */
const STALE_MS = 15_000;
/** The longest that a handler has to end in after its signal has aborted. */
const MOST_GRACE_MS = 5_000;

export class QueueLoop {
  readonly #parts: LoopParts;
  readonly #appetite: Appetite;
  readonly #exchange: Exchange;
  readonly #heartbeat: Heartbeat;
  readonly #running: RunningJobs;
  readonly #runner: JobRunner;
  readonly #sweeper: Sweeper;
  readonly #liveness: Liveness;
  readonly #reporter: Reporter;
  #subscription: Subscription | undefined;
  #waiting: Attempt[] = [];
  #starting = false;
  #stopping = false;

  constructor(parts: LoopParts) {
    const { driver, physical, clock, random, rules, handlers, middleware } = parts;
    const { settings, leaseMs } = physical;
    const common = { driver, settings, leaseMs, clock, random };
    this.#parts = parts;
    this.#reporter = new Reporter(settings.name, driver.name, clock);
    this.#liveness = new Liveness(clock, Math.max(STALE_MS, 2 * leaseMs));
    this.#appetite = new Appetite({
      rules,
      jobSlots: rules.concurrency * largestBatch(handlers),
      clock,
      random,
      ask: () => this.#exchange.pump(),
    });
    this.#exchange = new Exchange({
      ...common,
      wanted: (along, claiming) => this.#wanted(along, claiming),
      claimed: (claim, limit, untilMs, tookMs) => this.#claimed(claim, limit, untilMs, tookMs),
      tellFirst: parts.tellFirst,
      beforeSettle: parts.beforeSettle,
      settled: (attempt, verdict, outcome) => this.#settled(attempt, verdict, outcome),
      failed: (error, what) => this.#reporter.failed(`${what}-failed`, error),
    });
    this.#heartbeat = new Heartbeat({
      ...common,
      held: () => {
        this.#giveBackStalled();
        return [...this.#waiting, ...this.#running.held()];
      },
      lost: (attempt, state) => this.#lost(attempt, state),
      extended: () => this.#liveness.succeeded(),
      failed: (error) => this.#reporter.failed("extend-failed", error),
    });
    this.#sweeper = new Sweeper({
      ...common,
      swept: (swept) => this.#swept(swept),
      failed: (error) => this.#reporter.failed("sweep-failed", error),
    });
    this.#runner = new JobRunner({
      driver,
      settings,
      random,
      middleware,
      ended: (attempt, verdict, error) => this.#ended(attempt, verdict, error),
    });
    this.#running = new RunningJobs({
      queue: settings.name,
      clock,
      graceMs: Math.min(MOST_GRACE_MS, leaseMs / 3),
      abandoned: (attempt) => {
        this.#reporter.degraded("handler-stuck");
        this.#conclude(attempt, RELEASED, attempt.aborted);
        this.#startWaiting();
      },
    });
  }

  start(): void {
    const { driver, physical } = this.#parts;
    const kinds = [
      "ready",
      ...(driver.capabilities.admin ? (["cancelled"] as const) : []),
    ] as const;
    try {
      this.#subscription = driver.subscribe(physical.settings, kinds, (event) => this.#hear(event));
      this.#subscription.ready.catch(() => this.#reporter.degraded("subscription-failed"));
    } catch {
      this.#reporter.degraded("subscription-failed");
    }
    this.#sweeper.start();
    this.#exchange.pump();
  }

  get counts(): WorkerCounts {
    const running = this.#running.size;
    return { ...this.#reporter.counts, running, waiting: this.#waiting.length };
  }

  health(): WorkerHealth {
    return this.#liveness.read(this.#stopping || this.#appetite.rated);
  }

  /** No new jobs; those that wait here go back at once, with their attempt. */
  stopClaiming(): void {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#appetite.stop();
    this.#sweeper.stop();
    for (const attempt of this.#waiting.splice(0)) {
      if (attempt.stage === "waiting") this.#settle(attempt, RELEASED);
    }
    this.#exchange.pump();
  }

  /** Resolves when no handler runs any more. */
  drained(): Promise<void> {
    return this.#running.drained();
  }

  abortRunning(): void {
    this.#running.abortAll();
  }

  /** Gives back what still runs: its handlers are on their own from here. */
  releaseRunning(): void {
    this.#running.abandonAll();
  }

  /** Resolves when all ends are told. */
  async settledAll(): Promise<void> {
    await this.#exchange.idle();
    await this.#sweeper.idle();
  }

  async close(): Promise<void> {
    this.#exchange.giveUp();
    this.#heartbeat.close();
    this.#running.close();
    await this.#subscription?.close().catch(() => {});
  }

  #wanted(along: boolean, claiming: number): number {
    const { size, slots } = this.#running;
    const starved = slots < this.#parts.rules.concurrency && this.#waiting.length === 0;
    return this.#appetite.wanted(along, size + this.#waiting.length + claiming, starved);
  }

  #claimed(claim: Claim, limit: number, leaseUntilMs: number, tookMs: number): void {
    const { jobs, nextMs, swept } = claim;
    this.#liveness.succeeded();
    this.#appetite.prefetch.asked(tookMs);
    for (const job of jobs) this.#accept(job, leaseUntilMs);
    this.#appetite.got(jobs.length, limit, nextMs);
    if (swept !== undefined) this.#swept(swept);
    if (jobs.length === 0) return;
    this.#heartbeat.start();
    // After the next claim has been sent: see `Exchange`.
    process.nextTick(this.#startWaiting);
  }

  #accept(job: ClaimedJob, leaseUntilMs: number): void {
    const attempt = new Attempt(job, leaseUntilMs);
    const { handlers, clock, driver, emulateLongDelay } = this.#parts;
    const longestMs = driver.capabilities.delayMs;
    const verdict = this.#stopping
      ? RELEASED
      : unhandled(job, handlers, clock.now(), { longestMs, emulateLongDelay });
    if (verdict === undefined) this.#waiting.push(attempt);
    else this.#settle(attempt, verdict);
  }

  readonly #startWaiting = (): void => {
    if (this.#starting || this.#stopping) return;
    this.#starting = true;
    let looked = 0;
    while (this.#running.slots < this.#parts.rules.concurrency) {
      const attempt = this.#waiting[looked];
      if (attempt === undefined) break;
      looked += 1;
      const entry = this.#parts.handlers.get(attempt.job.name);
      if (entry !== undefined && this.#mayBegin(attempt)) this.#begin(attempt, entry, looked);
    }
    if (looked > 0) this.#waiting.splice(0, looked);
    this.#starting = false;
    if (this.#appetite.hungry) this.#exchange.pumpSoon();
  };

  /**
   * Jobs wait here for what a round trip takes. Who has waited a quarter of a lease stands behind slow
   * ones, while another worker may be idle.
   */
  #giveBackStalled(): void {
    const { rules, physical, clock, handlers } = this.#parts;
    // What the application has asked for, or a batch waits for, may wait.
    if (rules.prefetch !== undefined || largestBatch(handlers) > 1) return;
    const freshMs = clock.monotonicNow() + physical.leaseMs * 0.75;
    const stalled = this.#waiting.filter(({ leaseUntilMs }) => leaseUntilMs < freshMs);
    if (stalled.length === 0) return;
    this.#appetite.prefetch.stalled(physical.leaseMs / 4);
    this.#waiting = this.#waiting.filter(({ leaseUntilMs }) => leaseUntilMs >= freshMs);
    for (const attempt of stalled) this.#settle(attempt, RELEASED);
  }

  /** After a stop of the process itself somebody else may have it: then it is not begun. */
  #mayBegin(attempt: Attempt): boolean {
    if (attempt.stage !== "waiting") return false;
    const { driver, clock } = this.#parts;
    if (!driver.capabilities.extend || attempt.leaseUntilMs > clock.monotonicNow()) return true;
    this.#settle(attempt, RELEASED);
    return false;
  }

  /** @param from where in the waiting ones the others of a batch are looked for. */
  #begin(attempt: Attempt, { rules, handler }: HandlerEntry, from: number): void {
    if (typeof handler === "function") {
      this.#running.enter(attempt, rules.timeoutMs);
      this.#runner.run(rules, handler, attempt);
      return;
    }
    const attempts = [attempt];
    for (let at = from; at < this.#waiting.length && attempts.length < handler.size; at++) {
      const other = this.#waiting[at];
      if (other?.job.name === attempt.job.name && this.#mayBegin(other)) attempts.push(other);
    }
    const group = new BatchGroup(attempts);
    this.#running.enterAll(group, rules.timeoutMs);
    const { driver, physical } = this.#parts;
    void runBatch(this.#runner, rules, handler, group, { driver, settings: physical.settings });
  }

  /** A handler has ended. */
  #ended(attempt: Attempt, verdict: Verdict, error: unknown): void {
    if (attempt.stage === "over") {
      this.#reporter.degraded("late-result");
      return;
    }
    this.#appetite.prefetch.ran(this.#parts.clock.monotonicNow() - attempt.startedMs);
    this.#running.leave(attempt);
    this.#conclude(attempt, verdict, error);
    this.#startWaiting();
  }

  /** Its place is free already. */
  #conclude(attempt: Attempt, verdict: Verdict, error: unknown): void {
    const code = attempt.aborted?.code;
    if (attempt.gone) {
      if (verdict.kind === "done") this.#reporter.degraded("late-result");
    } else if (code === "QUEUE_TIMEOUT") {
      // A transaction that is still open would hold up whoever touches the job.
      if (!attempt.completedInTx) this.#settle(attempt, this.#timedOut(attempt));
    } else if (attempt.completedInTx && error === undefined) {
      this.#reporter.ended(verdict);
    } else {
      const stopped = code === "QUEUE_STOPPING" && error !== undefined;
      this.#settle(attempt, stopped ? RELEASED : verdict);
    }
  }

  #timedOut(attempt: Attempt): Verdict {
    const entry = this.#parts.handlers.get(attempt.job.name);
    if (entry === undefined) return RELEASED;
    return this.#runner.failure(entry.rules, attempt, attempt.aborted, "timeout");
  }

  #settle(attempt: Attempt, verdict: Verdict): void {
    attempt.stage = "over";
    this.#exchange.settle(attempt, verdict);
  }

  #settled(
    { job }: Attempt,
    verdict: Verdict,
    outcome: SettleOutcome | "unsure" | "dropped",
  ): void {
    if (outcome === "lost") this.#reporter.degraded("lease-lost");
    else if (outcome === "dropped") this.#reporter.degraded("settlement-dropped");
    else this.#reporter.ended(verdict);
    if (outcome === "settled" && verdict.kind === "dead") {
      this.#reporter.dead(job.name, job.attempt, verdict.reason);
    }
  }

  #lost(attempt: Attempt, state: Exclude<LeaseState, "extended">): void {
    if (state === "lost") this.#reporter.degraded("lease-lost");
    if (attempt.stage !== "waiting") {
      this.#running.lost(attempt, state);
      return;
    }
    attempt.stage = "over";
    this.#waiting = this.#waiting.filter((other) => other !== attempt);
    if (this.#appetite.hungry) this.#exchange.pumpSoon();
  }

  #hear(event: DriverEvent): void {
    if (event.kind === "ready") this.#appetite.told();
    else if (event.kind === "cancelled") {
      for (const attempt of [...this.#waiting, ...this.#running.held()]) {
        if (attempt.job.id === event.id) this.#lost(attempt, "cancelled");
      }
    }
  }

  #swept({ recovered, dead, ...rest }: Swept): void {
    if (recovered > 0) {
      this.#reporter.degraded("recovered", recovered);
      this.#appetite.told();
    }
    if (dead.length === 0) return;
    for (const { name, attempts } of dead) this.#reporter.dead(name, attempts, "lease-expired");
    this.#parts.swept?.({ recovered, dead, ...rest });
  }
}

function largestBatch(handlers: ReadonlyMap<string, HandlerEntry>): number {
  const sizes = [...handlers.values()].map(({ handler }) =>
    typeof handler === "function" ? 1 : handler.size,
  );
  return Math.max(1, ...sizes);
}
