/** What a worker counts and tells: numbers for whoever asks, events for whoever listens. */

import { type QueueDegraded, queueDead, queueDegraded } from "@headroom/core/channels";
import type { Clock } from "@headroom/core/clock";
import { isHeadroomError } from "@headroom/core/errors";
import type { DeadReason, Verdict } from "../driver.ts";

export interface WorkerCounts {
  /** Jobs whose handler runs. */
  readonly running: number;
  /** Jobs that are held for a free place. */
  readonly waiting: number;
  readonly done: number;
  readonly retried: number;
  readonly released: number;
  readonly dead: number;
  readonly leaseLost: number;
  /** Results that came too late and were dropped. */
  readonly lateResults: number;
  /** Handlers that did not end although their signal had aborted. */
  readonly stuck: number;
  /** Ends that could not be told in time. */
  readonly settlementsDropped: number;
}

type Counted = Exclude<keyof WorkerCounts, "running" | "waiting">;

const COUNTED: Partial<Record<QueueDegraded["reason"], Counted>> = {
  "lease-lost": "leaseLost",
  "late-result": "lateResults",
  "handler-stuck": "stuck",
  "settlement-dropped": "settlementsDropped",
};

const ENDED = { done: "done", retry: "retried", release: "released", dead: "dead" } as const;

export class Reporter {
  readonly counts: Record<Counted, number> = {
    done: 0,
    retried: 0,
    released: 0,
    dead: 0,
    leaseLost: 0,
    lateResults: 0,
    stuck: 0,
    settlementsDropped: 0,
  };
  readonly #queue: string;
  readonly #system: string;
  readonly #clock: Clock;
  #isWarned = false;

  constructor(queue: string, system: string, clock: Clock) {
    this.#queue = queue;
    this.#system = system;
    this.#clock = clock;
  }

  ended(verdict: Verdict): void {
    this.counts[ENDED[verdict.kind]] += 1;
  }

  degraded(reason: QueueDegraded["reason"], jobs = 1, code?: string): void {
    const counted = COUNTED[reason];
    if (counted !== undefined) this.counts[counted] += jobs;
    queueDegraded.publish(() => ({ ...this.#event(), jobs, reason, code }));
  }

  /** What no waiting mends, a server that is too old or evicts, is said once to who hears no channel. */
  failed(reason: QueueDegraded["reason"], error: unknown): void {
    this.degraded(reason, 1, codeOf(error));
    if (this.#isWarned || !isHeadroomError(error) || error.retryable) return;
    this.#isWarned = true;
    const type = "HeadroomWarning";
    process.emitWarning(`a worker cannot work: ${error.message}`, { type, code: error.code });
  }

  dead(name: string, attempts: number, reason: DeadReason): void {
    queueDead.publish(() => ({ ...this.#event(), name, attempts, reason }));
  }

  #event(): { queue: string; system: string; atMs: number } {
    return { queue: this.#queue, system: this.#system, atMs: this.#clock.now() };
  }
}

/** The code of what made a driver fail, else its own. */
function codeOf(error: unknown): string | undefined {
  for (const each of [error instanceof Error ? error.cause : undefined, error]) {
    const code: unknown = each instanceof Error && "code" in each ? each.code : undefined;
    if (typeof code === "string") return code;
  }
  return undefined;
}
