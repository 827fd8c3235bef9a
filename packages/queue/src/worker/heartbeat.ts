/**
 * Keeps the leases of the jobs that a worker holds: one timer, one call for all of them.
 *
 * It ticks every third of a lease and extends what was not extended within the last quarter, so that
 * two ticks may fail before a lease is in danger, and a worker of short jobs extends none at all.
 * Jobs that wait in the worker are extended like those that run.
 *
 * Who cannot extend does not know whether the lease is still there. Until its time is over by our
 * own clock, counted from when it was last asked for, nobody else can have it; afterwards somebody
 * may, so the job is given up as lost. A worker that was held up itself (a blocked loop, a stopped
 * process) first asks: it may be that nobody wanted the job meanwhile.
 */

import type { Clock, Timer } from "@headroom/core/clock";
import type { LeaseState, QueueDriver, QueueSettings } from "../driver.ts";
import type { Attempt } from "./attempt.ts";

export interface HeartbeatParts {
  readonly driver: Pick<QueueDriver, "extend" | "capabilities">;
  readonly settings: QueueSettings;
  readonly leaseMs: number;
  readonly clock: Clock;
  /** All jobs whose lease is to be kept. */
  readonly held: () => Iterable<Attempt>;
  readonly lost: (attempt: Attempt, state: Exclude<LeaseState, "extended">) => void;
  readonly extended: () => void;
  readonly failed: (error: unknown) => void;
}

const MOST_AT_ONCE = 1_000;

export class Heartbeat {
  readonly #parts: HeartbeatParts;
  #timer: Timer | undefined;
  #asking = false;
  #closed = false;

  constructor(parts: HeartbeatParts) {
    this.#parts = parts;
  }

  /** Ticks from now on, if it does not yet. */
  start(delayMs: number = this.#parts.leaseMs / 3): void {
    if (this.#timer !== undefined || this.#closed) return;
    // Where a lease lasts as long as a connection, there is nothing to extend.
    if (!this.#parts.driver.capabilities.extend) return;
    this.#timer = this.#parts.clock.timer(this.#tick, delayMs);
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  readonly #tick = (): void => {
    this.#timer = undefined;
    const { clock, leaseMs, held } = this.#parts;
    const nowMs = clock.monotonicNow();
    const due: Attempt[] = [];
    let any = false;
    for (const attempt of held()) {
      any = true;
      if (attempt.leaseUntilMs - nowMs < leaseMs * 0.75) due.push(attempt);
    }
    if (!any) return;
    if (this.#asking) this.#inDoubt(due);
    else {
      this.start();
      if (due.length > 0) void this.#extend(due);
    }
  };

  async #extend(due: readonly Attempt[]): Promise<void> {
    this.#asking = true;
    try {
      for (let from = 0; from < due.length; from += MOST_AT_ONCE) {
        await this.#extendSome(due.slice(from, from + MOST_AT_ONCE));
      }
    } catch (error) {
      this.#parts.failed(error);
      this.#inDoubt(due);
    } finally {
      this.#asking = false;
    }
  }

  async #extendSome(due: readonly Attempt[]): Promise<void> {
    const { driver, settings, leaseMs, clock } = this.#parts;
    const leases = due.map(({ job }) => ({ id: job.id, token: job.token }));
    const askedMs = clock.monotonicNow();
    const states = await driver.extend(settings, leases, leaseMs);
    this.#parts.extended();
    for (let at = 0; at < due.length; at++) {
      const attempt = due[at];
      if (attempt === undefined || attempt.stage === "over") continue;
      const state = states[at] ?? "lost";
      if (state === "extended") attempt.leaseUntilMs = askedMs + leaseMs;
      else if (!attempt.completedInTx) this.#parts.lost(attempt, state);
    }
  }

  /** Gives up what has expired by our clock, and is back when the next would, or soon to ask again. */
  #inDoubt(due: readonly Attempt[]): void {
    const { clock, leaseMs, lost } = this.#parts;
    const nowMs = clock.monotonicNow();
    let delayMs = leaseMs / 15;
    for (const attempt of due) {
      if (attempt.stage === "over") continue;
      if (attempt.leaseUntilMs <= nowMs) lost(attempt, "lost");
      else delayMs = Math.min(delayMs, attempt.leaseUntilMs - nowMs);
    }
    this.#timer?.cancel();
    this.#timer = undefined;
    this.start(delayMs);
  }
}
