/**
 * From what a queue counts to what it asks of its workers.
 *
 * `stats()` says how many jobs were ever added and ended; two readings give the rates between them,
 * which are averaged over time so that one quiet or busy moment does not decide.
 *
 * How long a job takes is best told by who sees it (`took`). Where nobody does (an HTTP endpoint in a
 * process without workers), Little's law gives it: jobs being worked on, divided by jobs done a second.
 * That counts prefetched jobs as worked on, so under a backlog it is rather too long than too short:
 * the side on which there are too many workers, for a while.
 */

import { Ewma } from "@headroom/core/ewma";
import type { QueueStats } from "../driver.ts";
import type { QueueDemand } from "./desired-workers.ts";

export interface Rates {
  readonly arrivalPerSecond: number | undefined;
  readonly servicePerSecond: number | undefined;
}

interface Reading {
  readonly added: number;
  readonly ended: number;
  readonly atMs: number;
}

export class QueueMeter {
  readonly #arrival: Ewma;
  readonly #service: Ewma;
  readonly #runtime: Ewma;
  readonly #littles: Ewma;
  #previous: Reading | undefined;

  /** @param decayMs after this long, what was measured weighs 1/e. */
  constructor(decayMs: number) {
    this.#arrival = new Ewma(decayMs);
    this.#service = new Ewma(decayMs);
    this.#runtime = new Ewma(decayMs);
    this.#littles = new Ewma(decayMs);
  }

  /** A job has taken so long. */
  took(runtimeMs: number, nowMs: number): void {
    this.#runtime.update(runtimeMs, nowMs);
  }

  /** @param nowMs monotonic. */
  read(stats: QueueStats, nowMs: number): void {
    const reading = { ...stats.totals, atMs: nowMs };
    const previous = this.#previous;
    if (previous !== undefined && reading.atMs <= previous.atMs) return;
    this.#previous = reading;
    // Counted from 0 again: the server was emptied.
    if (previous === undefined || reading.added < previous.added || reading.ended < previous.ended)
      return;
    const seconds = (reading.atMs - previous.atMs) / 1_000;
    const served = (reading.ended - previous.ended) / seconds;
    this.#arrival.update((reading.added - previous.added) / seconds, nowMs);
    this.#service.update(served, nowMs);
    if (served > 0) this.#littles.update((stats.active / served) * 1_000, nowMs);
  }

  get rates(): Rates {
    return { arrivalPerSecond: this.#arrival.mean, servicePerSecond: this.#service.mean };
  }

  get runtimeMs(): number | undefined {
    return this.#runtime.mean ?? this.#littles.mean;
  }

  /** A queue that is paused asks for nobody: what it holds cannot be cleared. */
  demand(stats: QueueStats): QueueDemand {
    if (stats.paused) return { backlog: 0, arrivalPerSecond: 0, runtimeMs: undefined };
    return {
      backlog: stats.ready,
      arrivalPerSecond: this.#arrival.mean ?? 0,
      runtimeMs: this.runtimeMs,
    };
  }
}
