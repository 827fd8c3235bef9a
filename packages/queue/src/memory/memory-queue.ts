/**
 * One queue in memory: the states of `driver.ts` and every way between them, each in one step,
 * because nothing here waits.
 *
 * It is written to be read beside the contract, and is what the other drivers are compared with. It
 * asks the time once an operation; who calls says what the limits are, as processes with another
 * configuration would.
 */

import type {
  Claim,
  ClaimedJob,
  ClaimRequest,
  DeadNotice,
  DeadReason,
  Enqueued,
  Failure,
  Lease,
  LeaseState,
  NewJob,
  QueueSettings,
  QueueStats,
  Settlement,
  SettleOutcome,
  Swept,
  Verdict,
} from "../driver.ts";
import { DedupKeys } from "./dedup-keys.ts";
import { type EndState, isEnd, JobStates } from "./job-states.ts";
import {
  claimedJob,
  type FamilyOfJob,
  type HeldLease,
  longerHistory,
  type MemoryJob,
} from "./memory-job.ts";
import { PriorityHeap } from "./priority-heap.ts";
import { StartRate } from "./start-rate.ts";
import { Subscribers } from "./subscribers.ts";
import { Turns } from "./turns.ts";

/** The time, and what makes tokens differ. */
export interface QueueServer {
  /** Wall time. */
  now(): number;
  monotonicNow(): number;
  /** A text that it has not given before. */
  unique(): string;
}

interface Expiry {
  readonly job: MemoryJob;
  readonly lease: HeldLease;
  readonly untilMs: number;
}

/** Leases of jobs that were cancelled are remembered, so that their holders hear of it. */
interface CancelledLease {
  readonly token: string;
  readonly untilMs: number;
}

export class MemoryQueue {
  readonly states: JobStates = new JobStates();
  readonly subscribers: Subscribers = new Subscribers();
  paused = false;
  readonly #server: QueueServer;
  readonly #dedup = new DedupKeys();
  readonly #rate = new StartRate();
  readonly #turns: Turns = new Turns((job) => this.#becomeReady(job));
  readonly #delayed: PriorityHeap<MemoryJob> = new PriorityHeap<MemoryJob>(
    (one, other) =>
      one.dueMs < other.dueMs || (one.dueMs === other.dueMs && one.order < other.order),
    (job) => job.state === "delayed" && this.states.find(job.added.id) === job,
  );
  readonly #expiries: PriorityHeap<Expiry> = new PriorityHeap<Expiry>(
    (one, other) => one.untilMs < other.untilMs,
    ({ job, lease, untilMs }) => job.lease === lease && lease.untilMs === untilMs,
  );
  readonly #cancelledLeases = new Map<string, CancelledLease>();
  readonly #totals = { added: 0, ended: 0 };
  #order = 0;

  constructor(server: QueueServer) {
    this.#server = server;
  }

  get nowMs(): number {
    return this.#server.monotonicNow();
  }

  enqueue(settings: QueueSettings, jobs: readonly NewJob[]): Enqueued[] {
    const outcomes = jobs.map((job) => this.#enqueue(settings, job, undefined));
    this.tellReady(settings);
    return outcomes;
  }

  /** A parent: it is held until `letGo`. */
  hold(settings: QueueSettings, parent: NewJob, family: FamilyOfJob): Enqueued {
    return this.#enqueue(settings, parent, family);
  }

  #enqueue(settings: QueueSettings, job: NewJob, family: FamilyOfJob | undefined): Enqueued {
    const nowMs = this.nowMs;
    const sameDedup = job.dedup && this.#dedup.ownerOf(job.dedup, nowMs);
    const living = this.states.find(job.id)?.added.id ?? sameDedup;
    if (living !== undefined) return { outcome: "duplicate", id: living };
    const { maxBacklog = Number.POSITIVE_INFINITY } = settings;
    if (this.states.backlog >= maxBacklog) return { outcome: "full" };
    const added: MemoryJob = {
      added: job,
      order: this.#order++,
      addedAtMs: this.#server.now(),
      state: "held",
      attempts: 0,
      dueMs: nowMs,
      lease: undefined,
      family,
      progress: undefined,
      result: undefined,
      reason: undefined,
      history: [],
      endedMs: undefined,
      endedAtMs: undefined,
    };
    this.states.add(added);
    this.#totals.added++;
    if (job.dedup !== undefined) this.#dedup.take(job.dedup, job.id, nowMs);
    if (family === undefined) this.letGo(settings, added);
    return { outcome: "added", id: job.id };
  }

  /** A held job is held no longer: its delay begins. */
  letGo(settings: QueueSettings, job: MemoryJob): void {
    this.#wait(settings, job, job.added.delayMs);
  }

  /** To ready, or to delayed. A job of a key that was tried before keeps its place: it is the first. */
  #wait(settings: QueueSettings, job: MemoryJob, delayMs: number, triedBefore = false): void {
    const nowMs = this.nowMs;
    job.dueMs = nowMs + delayMs;
    this.states.move(job, delayMs > 0 ? "delayed" : "ready");
    if (delayMs > 0 && !(triedBefore && job.added.key !== undefined)) this.#delayed.push(job);
    else this.#turns.add(job, settings.limits, nowMs);
  }

  #becomeReady(job: MemoryJob): void {
    if (job.state === "delayed") this.states.move(job, "ready");
  }

  claim(settings: QueueSettings, { limit, leaseMs }: ClaimRequest): Claim {
    const { limits } = settings;
    const swept = this.sweep(settings);
    this.promote(settings);
    const jobs: ClaimedJob[] = [];
    let rateMs = 0;
    const nowMs = this.nowMs;
    while (!this.paused && jobs.length < limit && this.#hasSlot(settings)) {
      rateMs = limits.rate === undefined ? 0 : this.#rate.waitMs(limits.rate, nowMs);
      if (rateMs > 0) break;
      const job = this.#turns.take(limits, nowMs);
      if (job === undefined) break;
      if (limits.rate !== undefined) this.#rate.start(limits.rate, nowMs);
      jobs.push(this.#lease(job, leaseMs, nowMs));
    }
    const nextMs = this.#nextMs(settings, rateMs, nowMs);
    return swept.recovered + swept.dead.length > 0 ? { jobs, nextMs, swept } : { jobs, nextMs };
  }

  #hasSlot({ limits: { concurrency = Number.POSITIVE_INFINITY } }: QueueSettings): boolean {
    return this.states.count("active") < concurrency;
  }

  #lease(job: MemoryJob, leaseMs: number, nowMs: number): ClaimedJob {
    job.attempts++;
    const token = `${job.added.id}:${job.attempts}:${this.#server.unique()}`;
    const lease = { token, untilMs: nowMs + leaseMs };
    job.lease = lease;
    this.states.move(job, "active");
    this.#expiries.push({ job, lease, untilMs: lease.untilMs });
    return claimedJob(job, token, nowMs);
  }

  /** What has become due is ready. */
  promote({ limits }: QueueSettings): void {
    const nowMs = this.nowMs;
    this.#turns.wake(limits, nowMs);
    for (;;) {
      const job = this.#delayed.peek();
      if (job === undefined || job.dueMs > nowMs) return;
      this.#delayed.pop();
      this.states.move(job, "ready");
      this.#turns.add(job, limits, nowMs);
    }
  }

  /** Something that is not told: a delay, a key or the rate that will be due. */
  #nextMs(settings: QueueSettings, rateMs: number, nowMs: number): number | undefined {
    if (this.paused || !this.#hasSlot(settings)) return undefined;
    const dues = [this.#delayed.peek()?.dueMs, this.#turns.nextDueMs()].filter(
      (dueMs) => dueMs !== undefined,
    );
    if (rateMs > 0 && this.#turns.some(settings.limits, nowMs)) dues.push(nowMs + rateMs);
    return dues.length === 0 ? undefined : Math.max(0, Math.min(...dues) - nowMs);
  }

  settle(settings: QueueSettings, settlements: readonly Settlement[]): SettleOutcome[] {
    const outcomes = settlements.map(({ job: { id, token }, verdict }): SettleOutcome => {
      const job = this.leased({ id, token });
      if (job === undefined) return "lost";
      this.#settle(settings, job, verdict);
      return "settled";
    });
    this.tellReady(settings);
    return outcomes;
  }

  #settle(settings: QueueSettings, job: MemoryJob, verdict: Verdict): void {
    if (verdict.kind === "done") {
      job.result = verdict.result;
      this.end(settings, job, "done");
      return;
    }
    if (verdict.kind === "dead") {
      this.#fail(job, verdict.failure);
      this.bury(settings, job, verdict.reason);
      return;
    }
    if (verdict.kind === "retry") this.#fail(job, verdict.failure);
    this.#unlease(settings, job);
    if (verdict.kind === "release") job.attempts--;
    this.#wait(settings, job, verdict.delayMs, true);
  }

  #fail(job: MemoryJob, failure: Failure | undefined): void {
    if (failure === undefined) return;
    const { name, message } = failure;
    const past = { name, message, attempt: job.attempts, atMs: this.#server.now() };
    job.history = longerHistory(job.history, past);
  }

  /** Among the dead, whatever it is now. */
  bury(settings: QueueSettings, job: MemoryJob, reason: DeadReason): DeadNotice {
    job.reason = reason;
    this.end(settings, job, "dead");
    const { id, name, parent } = job.added;
    return { id, name, attempts: job.attempts, parent };
  }

  /** From any state that is no end. Nothing outlives it but what is kept of it. */
  end(settings: QueueSettings, job: MemoryJob, state: EndState): void {
    this.#leaveWaiting(settings, job);
    job.endedMs = this.nowMs;
    job.endedAtMs = this.#server.now();
    this.states.move(job, state);
    this.states.dropExcess(settings.retention, job.endedMs);
    this.#totals.ended++;
    this.subscribers.tell({ kind: "ended", id: job.added.id });
  }

  #leaveWaiting(settings: QueueSettings, job: MemoryJob): void {
    const { id, dedup } = job.added;
    if (job.lease !== undefined) this.#unlease(settings, job);
    else this.#turns.remove(job, settings.limits, this.nowMs);
    if (dedup !== undefined) this.#dedup.release(dedup, id);
  }

  #unlease({ limits }: QueueSettings, job: MemoryJob): void {
    job.lease = undefined;
    this.#turns.landed(job, limits, this.nowMs);
  }

  /** The job of a lease that is the one there now. */
  leased({ id, token }: Lease): MemoryJob | undefined {
    const job = this.states.find(id);
    return job?.lease?.token === token ? job : undefined;
  }

  extend(lease: Lease, leaseMs: number): LeaseState {
    const job = this.leased(lease);
    const held = job?.lease;
    if (job === undefined || held === undefined) {
      return this.#cancelledLeases.has(lease.token) ? "cancelled" : "lost";
    }
    held.untilMs = this.nowMs + leaseMs;
    this.#expiries.push({ job, lease: held, untilMs: held.untilMs });
    return "extended";
  }

  sweep(settings: QueueSettings): Swept {
    const nowMs = this.nowMs;
    const dead: DeadNotice[] = [];
    let recovered = 0;
    for (;;) {
      const expiry = this.#expiries.peek();
      if (expiry === undefined || expiry.untilMs > nowMs) break;
      this.#expiries.pop();
      const { job } = expiry;
      if (job.attempts >= job.added.maxAttempts) {
        dead.push(this.bury(settings, job, "lease-expired"));
        continue;
      }
      this.#unlease(settings, job);
      this.#wait(settings, job, 0, true);
      recovered++;
    }
    for (const [token, { untilMs }] of this.#cancelledLeases) {
      if (untilMs <= nowMs) this.#cancelledLeases.delete(token);
    }
    this.states.dropExcess(settings.retention, nowMs);
    if (recovered + dead.length > 0) this.tellReady(settings);
    return { recovered, dead };
  }

  /** False: there is none that has not ended. */
  cancel(settings: QueueSettings, id: string): boolean {
    const job = this.states.find(id);
    if (job === undefined || isEnd(job.state)) return false;
    const { lease } = job;
    if (lease !== undefined) this.#cancelledLeases.set(lease.token, { ...lease });
    this.end(settings, job, "cancelled");
    this.subscribers.tell({ kind: "cancelled", id });
    this.tellReady(settings);
    return true;
  }

  /** A dead job is ready again, with all its attempts. */
  redrive(settings: QueueSettings, job: MemoryJob): void {
    const { id, dedup } = job.added;
    job.attempts = 0;
    job.reason = undefined;
    job.endedMs = undefined;
    job.endedAtMs = undefined;
    this.#wait(settings, job, 0);
    if (dedup !== undefined && this.#dedup.ownerOf(dedup, this.nowMs) === undefined) {
      this.#dedup.take(dedup, id, this.nowMs);
    }
  }

  /** Deletes a job that is not active. */
  purge(settings: QueueSettings, job: MemoryJob): void {
    if (!isEnd(job.state)) this.#leaveWaiting(settings, job);
    this.states.delete(job);
  }

  stats(settings: QueueSettings): QueueStats {
    this.promote(settings);
    const ready = this.states.list("ready").map(({ dueMs }) => dueMs);
    return {
      ready: ready.length,
      delayed: this.states.count("delayed"),
      active: this.states.count("active"),
      held: this.states.count("held"),
      dead: this.states.count("dead"),
      paused: this.paused,
      oldestReadyMs:
        ready.length === 0
          ? undefined
          : this.nowMs - ready.reduce((oldest, dueMs) => Math.min(oldest, dueMs)),
      totals: { ...this.#totals },
    };
  }

  /** Tells those who wait for a job, if there is one to claim. */
  tellReady(settings: QueueSettings): void {
    if (this.paused || !this.#hasSlot(settings)) return;
    if (this.#turns.some(settings.limits, this.nowMs)) this.subscribers.tell({ kind: "ready" });
  }
}
