/** What the application's handlers see, give and throw. */

import type { DeadReason, JobHeaders } from "./driver.ts";

/** A job as its handler gets it. */
export interface Job<Data = unknown> {
  readonly id: string;
  /** The name of its definition. */
  readonly name: string;
  readonly data: Data;
  /** 1 the first time. */
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly headers: JobHeaders;
  readonly priority: number;
  readonly key: string | undefined;
  /** By the server's clock, milliseconds since the epoch. */
  readonly addedAtMs: number;
  /** From ready to claimed. */
  readonly waitedMs: number;
}

/** What a child of a flow has become. */
export interface ChildResult {
  readonly queue: string;
  readonly id: string;
  readonly outcome:
    | { readonly kind: "done"; readonly result: unknown }
    | { readonly kind: "dead"; readonly reason: DeadReason | "cancelled" }
    | undefined;
}

/** What a handler may do with its job. */
export interface JobContext<Returned = unknown> {
  /**
   * Aborts when the work is for nothing, with a QueueError: `QUEUE_LEASE_LOST` (another worker may
   * have the job), `QUEUE_CANCELLED`, `QUEUE_TIMEOUT`, `QUEUE_STOPPING`.
   */
  readonly signal: AbortSignal;
  /** `id:attempt:random`, different for every attempt: for conditional writes of your own. */
  readonly fence: string;
  /**
   * Says how far it is; any JSON.
   * @throws QueueError `QUEUE_LEASE_LOST`
   */
  progress(value: unknown): Promise<void>;
  /**
   * Completes the job in a transaction of the application's: its effects and the end of the job are
   * there together, or not at all. Commit it, then return.
   * @throws QueueError `QUEUE_LEASE_LOST`: roll it back.
   */
  completeIn(tx: unknown, result?: Returned): Promise<void>;
  /** Of a parent in a flow: what its children have become, in their order. */
  children(): Promise<readonly ChildResult[]>;
}

/** Works on one job. What it returns is the job's result; what it throws is why the attempt failed. */
export type Handler<Data = unknown, Returned = unknown> = (
  job: Job<Data>,
  context: JobContext<Returned>,
) => Promise<Returned> | Returned;

/** A job of a batch, with its own lease. */
export interface BatchJob<Data = unknown, Returned = unknown> extends Job<Data> {
  readonly context: JobContext<Returned>;
}

/**
 * Works on many jobs at once. It returns nothing when all are done, or for each job, in their order,
 * its result or the Error with which it failed. What it throws is why all have failed.
 */
export type BatchFunction<Data = unknown, Returned = unknown> = (
  jobs: readonly BatchJob<Data, Returned>[],
  context: { readonly signal: AbortSignal },
  // biome-ignore lint/suspicious/noConfusingVoidType: a function that returns nothing is one of these
) => Promise<readonly (Returned | Error)[] | void> | readonly (Returned | Error)[] | void;

/** A handler of many jobs; make one with {@link batch}. */
export interface BatchHandler<Data = unknown, Returned = unknown> {
  readonly size: number;
  readonly handle: BatchFunction<Data, Returned>;
}

/**
 * A handler that gets up to `size` jobs at once: those that are there, without waiting for more.
 * @throws RangeError when `size` is no count.
 */
export function batch<Data, Returned = unknown>(
  size: number,
  handle: BatchFunction<Data, Returned>,
): BatchHandler<Data, Returned> {
  if (!Number.isSafeInteger(size) || size < 1 || size > 1_000) {
    throw new RangeError(`size must be an integer from 1 to 1000, got ${String(size)}`);
  }
  return { size, handle };
}

/** Around every handler: call `next` for the rest. */
export type JobMiddleware = (
  job: Job,
  context: JobContext,
  next: () => Promise<unknown>,
) => Promise<unknown>;

const UNRECOVERABLE = Symbol.for("headroom.queue.unrecoverable");
const RETRY_AFTER = Symbol.for("headroom.queue.retry-after");

/** Throw it when no further attempt helps: the job is dead at once. */
export class UnrecoverableError extends Error {
  static {
    Object.defineProperty(UnrecoverableError.prototype, "name", { value: "UnrecoverableError" });
    Object.defineProperty(UnrecoverableError.prototype, UNRECOVERABLE, { value: true });
  }
}

/** Throw it when it is known how long to wait, as a `Retry-After` says: the attempt is spent. */
export class RetryAfterError extends Error {
  readonly delayMs: number;

  static {
    Object.defineProperty(RetryAfterError.prototype, "name", { value: "RetryAfterError" });
    Object.defineProperty(RetryAfterError.prototype, RETRY_AFTER, { value: true });
  }

  /** @throws RangeError when `delayMs` is no finite number of at least 0. */
  constructor(delayMs: number, message?: string, options?: ErrorOptions) {
    super(message ?? `to be tried again after ${delayMs} ms`, options);
    if (!Number.isFinite(delayMs) || delayMs < 0) {
      throw new RangeError(`delayMs must be a non-negative number of milliseconds, got ${delayMs}`);
    }
    this.delayMs = delayMs;
  }
}

/** Also for those of another installed copy of this package. */
export function isUnrecoverable(error: unknown): boolean {
  return typeof error === "object" && error !== null && UNRECOVERABLE in error;
}

/** The delay that a {@link RetryAfterError} asks for. */
export function retryAfterMs(error: unknown): number | undefined {
  if (typeof error !== "object" || error === null || !(RETRY_AFTER in error)) return undefined;
  return "delayMs" in error ? Number(error.delayMs) : undefined;
}
