/**
 * The contract between the queue and what keeps its jobs.
 *
 *     waiting for children ─┐
 *     delayed ──────────────┼─► ready ──► active ──┬─► done       deleted, or kept for its result
 *        ▲                  │     ▲       (leased) ├─► dead       given up, kept with its history
 *        └── retry ─────────┴─────┴────────────────┼─► cancelled
 *                release, lease expired            ┘
 *
 * A driver moves jobs between these states and knows nothing of handlers, schemas, backoff or cron.
 * Eight methods, all of them for many jobs at once, because a round trip for each is what makes
 * queues slow. What not every engine can do is a power of its own (`admin`, `schedules`, `flows`),
 * and {@link Capabilities} say which there are.
 *
 * Invariants, which `describeQueueDriver` of `@headroom/queue/testing` checks:
 *
 * - **Nothing is lost.** A job whose `enqueue` was acknowledged is in exactly one state until it is
 *   done, dead and purged, or cancelled. A state is left and the next one entered in one step.
 * - **One lease a job.** A claim gives a token `id:attempt:random`. Only who shows the token of the
 *   lease that is there now settles or extends it; every other answer is "lost", and changes nothing.
 * - **The attempt is spent by the claim**, so a job that ends its worker's process cannot run for
 *   ever: a lease that expires puts the job back, or among the dead when it was the last attempt.
 * - **Time is the server's.** Delays, leases and windows are durations; no clock of a client matters.
 * - **A key has one job in flight** (unless its limit says more), and its jobs keep their order: a job
 *   that is retried holds up the later ones of its key.
 * - **A dedup key never outlives its job.**
 *
 * For engines that bind a lease to a connection (AMQP, JetStream): `extend` is never called where the
 * capability is false, a token may name a delivery, and `leaseMs` may be ignored; when the connection
 * is gone, settling answers "lost".
 */

import type { Capabilities } from "./capabilities.ts";
import type { Flows, JobAdmin, Schedules } from "./driver-powers.ts";

/** A queue as a driver must know it: the same in every process. */
export interface QueueSettings {
  /** Letters, digits, `.`, `_`, `-`; at most 100. */
  readonly name: string;
  /** Adding is refused when as many wait (ready, delayed and held); undefined: never. */
  readonly maxBacklog: number | undefined;
  readonly limits: QueueLimits;
  readonly retention: Retention;
}

/** For all processes together; undefined is no limit. */
export interface QueueLimits {
  /** Jobs of the queue that are active at a time. */
  readonly concurrency: number | undefined;
  /** Jobs that start within a time; a burst may start all of them at once (GCRA). */
  readonly rate: Rate | undefined;
  /** Jobs of one key that are active at a time; above 1 their order is only that of their starts. */
  readonly perKeyConcurrency: number;
  /** Starts of jobs of one key are at least `perMs / jobs` apart. */
  readonly perKeyRate: Rate | undefined;
}

export interface Rate {
  readonly jobs: number;
  readonly perMs: number;
}

/** How long and how many are kept; the oldest go first. */
export interface Keep {
  readonly ms: number;
  readonly count: number;
}

export interface Retention {
  /** Undefined: a job that is done is deleted at once. */
  readonly done: Keep | undefined;
  readonly dead: Keep;
}

/** Plain texts that travel with a job: the trace context, and what the application adds. */
export type JobHeaders = Readonly<Record<string, string>>;

/** Where a job belongs that waits for others. */
export interface ParentRef {
  readonly queue: string;
  readonly id: string;
}

/** A job to be added. */
export interface NewJob {
  /** At most 200 characters, no spaces, no colon. */
  readonly id: string;
  /**
   * The id was not made for this call, so that a job of this id may be there already, in whatever
   * state: then nothing is added, and the outcome is "duplicate".
   */
  readonly mayExist: boolean;
  /** Which definition it is of: several may share a queue. */
  readonly name: string;
  /** The data, as JSON text. */
  readonly body: string;
  readonly headers: JobHeaders;
  /** 0: ready at once. */
  readonly delayMs: number;
  /** From 0 to `capabilities.priorities - 1`. */
  readonly priority: number;
  readonly maxAttempts: number;
  readonly key: string | undefined;
  readonly dedup: DedupRule | undefined;
  readonly parent: ParentRef | undefined;
}

export interface DedupRule {
  readonly key: string;
  /** After so long another one is added although this one lives; undefined: not before it has ended. */
  readonly windowMs: number | undefined;
}

/** What became of a job to be added. */
export type Enqueued =
  | { readonly outcome: "added"; readonly id: string }
  /** A living job has the same dedup key or the same id. */
  | { readonly outcome: "duplicate"; readonly id: string }
  /** `maxBacklog` is reached. */
  | { readonly outcome: "full" };

export interface EnqueueOptions {
  /** A transaction of the application's, where `capabilities.transactions`; see `Transaction`. */
  readonly tx?: unknown;
}

export interface ClaimRequest {
  /** At most so many jobs. */
  readonly limit: number;
  readonly leaseMs: number;
}

export interface Claim {
  readonly jobs: readonly ClaimedJob[];
  /**
   * In how many milliseconds it is worth asking again although nobody tells: when the next delayed
   * job, key or rate is due. Undefined: not before the driver tells.
   */
  readonly nextMs: number | undefined;
  /** What was swept on the way, if anything was. */
  readonly swept?: Swept | undefined;
}

/** A job with the lease to work on it. */
export interface ClaimedJob {
  readonly id: string;
  /** `id:attempt:random`: shown at `settle` and `extend`, and good for conditional writes elsewhere. */
  readonly token: string;
  readonly name: string;
  readonly body: string;
  readonly headers: JobHeaders;
  /** 1 for the first. */
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly priority: number;
  readonly key: string | undefined;
  readonly dedup: string | undefined;
  readonly parent: ParentRef | undefined;
  /** By the server's clock, milliseconds since the epoch. */
  readonly addedAtMs: number;
  /** From ready to claimed. */
  readonly waitedMs: number;
}

/** How an attempt failed, as it is kept: no stack, no data. */
export interface Failure {
  readonly name: string;
  /** At most 500 characters. */
  readonly message: string;
}

export type DeadReason =
  | "attempts-exhausted"
  /** The handler said that no further attempt helps. */
  | "unrecoverable"
  /** The last attempt's lease expired: the worker died or hung. */
  | "lease-expired"
  | "timeout"
  /** The data do not fit the schema. */
  | "invalid"
  | "unknown-name"
  | "child-dead";

export type Verdict =
  /** @param result JSON text; kept where the queue keeps what is done. */
  | { readonly kind: "done"; readonly result: string | undefined }
  /** The attempt is spent and failed. */
  | { readonly kind: "retry"; readonly delayMs: number; readonly failure: Failure }
  /** Back in the queue with the attempt given back. */
  | { readonly kind: "release"; readonly delayMs: number }
  | { readonly kind: "dead"; readonly reason: DeadReason; readonly failure: Failure | undefined };

export interface Settlement {
  readonly job: ClaimedJob;
  readonly verdict: Verdict;
}

/** `lost`: the lease is another's or nobody's, and nothing was changed. */
export type SettleOutcome = "settled" | "lost";

export interface SettleOptions {
  /** Claims in the same round trip, after the settlements. */
  readonly claim?: ClaimRequest | undefined;
  readonly tx?: unknown;
}

export interface Settled {
  /** In the order of the settlements. */
  readonly outcomes: readonly SettleOutcome[];
  /** There if it was asked for. */
  readonly claim: Claim | undefined;
}

export interface Lease {
  readonly id: string;
  readonly token: string;
}

export type LeaseState = "extended" | "lost" | "cancelled";

export interface Swept {
  /** Jobs whose lease had expired, and that are ready again. */
  readonly recovered: number;
  /** Those that had no attempt left. */
  readonly dead: readonly DeadNotice[];
}

export interface DeadNotice {
  readonly id: string;
  readonly name: string;
  readonly attempts: number;
  readonly parent: ParentRef | undefined;
}

export interface QueueStats {
  readonly ready: number;
  readonly delayed: number;
  readonly active: number;
  /** Parents that wait for their children. */
  readonly held: number;
  readonly dead: number;
  readonly paused: boolean;
  /** How long the job has waited that is ready for longest; undefined when none is. */
  readonly oldestReadyMs: number | undefined;
  /** Jobs ever added and ever settled for good, to be compared with an earlier reading. */
  readonly totals: { readonly added: number; readonly ended: number };
}

export type DriverEvent =
  /** There may be a job to claim. */
  | { readonly kind: "ready" }
  /** The job has ended: done, dead or cancelled. */
  | { readonly kind: "ended"; readonly id: string }
  | { readonly kind: "cancelled"; readonly id: string }
  | { readonly kind: "progress"; readonly id: string };

export interface Subscription {
  /** Resolves when events will arrive from now on; rejects when that takes too long. */
  readonly ready: Promise<void>;
  close(): Promise<void>;
}

export interface QueueDriver<Caps extends Capabilities = Capabilities> {
  /** For telemetry: `"memory"`, `"redis"`, `"postgresql"`. */
  readonly name: string;
  readonly capabilities: Caps;

  /**
   * Adds jobs, all or none of them except those that are duplicates or too many. In the order given.
   * @throws QueueError `QUEUE_UNAVAILABLE`: it is not known whether they were added.
   */
  enqueue(
    queue: QueueSettings,
    jobs: readonly NewJob[],
    options?: EnqueueOptions,
  ): Promise<readonly Enqueued[]>;

  /** Leases ready jobs, by priority, then by age. Sweeps what has expired on the way. */
  claim(queue: QueueSettings, request: ClaimRequest): Promise<Claim>;

  /** Ends attempts, then claims if asked to: in one round trip. */
  settle(
    queue: QueueSettings,
    settlements: readonly Settlement[],
    options?: SettleOptions,
  ): Promise<Settled>;

  /** Makes leases last `leaseMs` from now. */
  extend(
    queue: QueueSettings,
    leases: readonly Lease[],
    leaseMs: number,
  ): Promise<readonly LeaseState[]>;

  /** Puts back what has an expired lease, and drops what is kept too long. Bounded in work. */
  sweep(queue: QueueSettings): Promise<Swept>;

  stats(queue: QueueSettings): Promise<QueueStats>;

  /** Tells of events. They are hints: one may be missed, or come for nothing. */
  subscribe(
    queue: QueueSettings,
    kinds: readonly DriverEvent["kind"][],
    listener: (event: DriverEvent) => void,
  ): Subscription;

  /** Closes what the driver opened, never the client that it was given. */
  close(): Promise<void>;

  readonly admin?: JobAdmin | undefined;
  readonly schedules?: Schedules | undefined;
  readonly flows?: Flows | undefined;
}
