/**
 * The jobs whose handler runs: their places, their time, and how they are taken from them.
 *
 * A handler has its timeout. When that is over, or the lease is lost, or the worker stops, its signal
 * aborts, and it has a moment to end in. One that does not is abandoned: its place is free for the
 * next job, and what it does later is not waited for. So no handler, however broken, blocks a worker.
 */

import type { Clock } from "@headroom/core/clock";
import type { LeaseState, Verdict } from "../driver.ts";
import { QueueError } from "../errors.ts";
import type { Attempt } from "./attempt.ts";
import type { BatchGroup } from "./batch-group.ts";
import { Deadlines } from "./deadlines.ts";

export interface RunningParts {
  readonly queue: string;
  readonly clock: Clock;
  /** What a handler has to end in after its signal has aborted. */
  readonly graceMs: number;
  /** It was abandoned, and its place is free. */
  readonly abandoned: (attempt: Attempt) => void;
}

export const RELEASED: Verdict = Object.freeze({ kind: "release", delayMs: 0 });

export class RunningJobs {
  readonly #parts: RunningParts;
  readonly #deadlines: Deadlines<Attempt>;
  #size = 0;
  #slots = 0;
  #drained: (() => void)[] = [];

  constructor(parts: RunningParts) {
    this.#parts = parts;
    this.#deadlines = new Deadlines(parts.clock, (attempt) => this.#timeIsUp(attempt));
  }

  get size(): number {
    return this.#size;
  }

  /** Places that are taken: a batch takes one. */
  get slots(): number {
    return this.#slots;
  }

  enter(attempt: Attempt, timeoutMs: number): void {
    this.#slots += 1;
    this.#begin(attempt, timeoutMs);
  }

  enterAll(group: BatchGroup, timeoutMs: number): void {
    this.#slots += 1;
    for (const attempt of group.attempts) {
      attempt.group = group;
      this.#begin(attempt, timeoutMs);
    }
  }

  leave(attempt: Attempt): void {
    this.#deadlines.remove(attempt);
    attempt.stage = "over";
    this.#size -= 1;
    const { group } = attempt;
    if (group !== undefined) group.left -= 1;
    if (group === undefined || group.left === 0) this.#slots -= 1;
    if (this.#size === 0) for (const resolve of this.#drained.splice(0)) resolve();
  }

  /** Those that still have their lease, for all we know, and need it. */
  *held(): IterableIterator<Attempt> {
    for (const attempt of this.#deadlines) {
      if (!attempt.gone && !attempt.completedInTx) yield attempt;
    }
  }

  lost(attempt: Attempt, state: Exclude<LeaseState, "extended">): void {
    if (attempt.stage !== "running" || attempt.gone) return;
    attempt.gone = true;
    if (attempt.aborted !== undefined) return;
    const { queue } = this.#parts;
    if (state === "lost") this.#abort(attempt, leaseLost(queue));
    else {
      const message = `queue "${queue}": the job was cancelled`;
      this.#abort(attempt, new QueueError("QUEUE_CANCELLED", queue, message));
    }
  }

  /** Resolves when no handler runs any more. */
  drained(): Promise<void> {
    if (this.#size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#drained.push(resolve));
  }

  /** Tells all that the worker stops. They are not abandoned before `abandonAll`. */
  abortAll(): void {
    const { queue } = this.#parts;
    const message = `queue "${queue}": the worker stops; the job will be run again`;
    for (const attempt of [...this.#deadlines]) {
      attempt.abort(new QueueError("QUEUE_STOPPING", queue, message));
    }
  }

  abandonAll(): void {
    for (const attempt of [...this.#deadlines]) this.#abandon(attempt);
  }

  close(): void {
    this.#deadlines.close();
  }

  #begin(attempt: Attempt, timeoutMs: number): void {
    const nowMs = this.#parts.clock.monotonicNow();
    attempt.stage = "running";
    attempt.startedMs = nowMs;
    attempt.timeoutMs = timeoutMs;
    this.#size += 1;
    this.#deadlines.add(attempt, timeoutMs, nowMs);
  }

  /** Its timeout, or the moment that it had to end in. */
  #timeIsUp(attempt: Attempt): void {
    if (attempt.aborted !== undefined) {
      this.#abandon(attempt);
      return;
    }
    const { queue } = this.#parts;
    const message = `queue "${queue}": the job took more than ${attempt.timeoutMs} ms`;
    this.#abort(attempt, new QueueError("QUEUE_TIMEOUT", queue, message));
  }

  #abort(attempt: Attempt, reason: QueueError): void {
    const { graceMs, clock } = this.#parts;
    this.#deadlines.remove(attempt);
    this.#deadlines.add(attempt, graceMs, clock.monotonicNow());
    attempt.abort(reason);
  }

  #abandon(attempt: Attempt): void {
    this.leave(attempt);
    this.#parts.abandoned(attempt);
  }
}

export function leaseLost(queue: string): QueueError {
  return new QueueError(
    "QUEUE_LEASE_LOST",
    queue,
    `queue "${queue}": the lease of this job is lost: another worker may have it`,
  );
}
