/**
 * What an autoscaler outside wants to know of the queues: how much waits, for how long, how fast it
 * comes and goes, and how many workers that is.
 *
 * Rates need two readings. They are taken when somebody asks, and no more often than once in
 * `maxAgeMs`: so ten who ask at once cost one question, and the first answer knows no rates yet.
 */

import { queueLoad } from "@headroom/core/channels";
import type { QueueStats } from "../driver.ts";
import type { ScalableQueue } from "./autoscaler-options.ts";
import { type QueueDemand, workersNeeded } from "./desired-workers.ts";
import type { KedaRules } from "./keda-options.ts";
import { QueueMeter } from "./queue-meter.ts";

/** Durations are in seconds, as Prometheus and KEDA have them. What is not known is null. */
export interface QueueReport {
  /** All that is not at rest: ready, delayed, active, held. */
  readonly depth: number;
  readonly ready: number;
  readonly delayed: number;
  readonly active: number;
  readonly held: number;
  readonly dead: number;
  readonly paused: boolean;
  readonly oldestReadySeconds: number | null;
  readonly arrivalPerSecond: number | null;
  readonly servicePerSecond: number | null;
  readonly runtimeSeconds: number | null;
  /** Workers that this queue alone needs; 0 when none. */
  readonly desired: number;
}

export interface LoadReport {
  readonly queues: Readonly<Record<string, QueueReport>>;
  /** Workers that all of the queues need together. */
  readonly desired: number;
}

interface QueueReading {
  readonly name: string;
  readonly physical: string;
  readonly report: QueueReport;
  readonly demand: QueueDemand;
}

/** Rates are averaged over a minute: KEDA asks every half. */
const MEMORY_MS = 60_000;

export class LoadReporter {
  readonly #rules: KedaRules;
  readonly #meters = new Map<string, QueueMeter>();
  #latest: { readonly report: Promise<LoadReport>; readonly atMs: number } | undefined;

  constructor(rules: KedaRules) {
    this.#rules = rules;
    for (const name of rules.queues.keys()) this.#meters.set(name, new QueueMeter(MEMORY_MS));
  }

  /** @throws what `stats` throws. */
  report(): Promise<LoadReport> {
    const nowMs = this.#rules.clock.monotonicNow();
    if (this.#latest !== undefined && nowMs - this.#latest.atMs < this.#rules.maxAgeMs) {
      return this.#latest.report;
    }
    const report = this.#read();
    this.#latest = { report, atMs: nowMs };
    return report;
  }

  async #read(): Promise<LoadReport> {
    const { queues, target } = this.#rules;
    const all = await Promise.all([...queues].map(([name, queue]) => this.#readOne(name, queue)));
    // Two definitions may share a queue, whose load is one.
    const demands = new Map(all.map(({ physical, demand }) => [physical, demand]));
    return {
      queues: Object.fromEntries(all.map(({ name, report }) => [name, report])),
      desired: Math.ceil(workersNeeded([...demands.values()], target)),
    };
  }

  async #readOne(name: string, queue: ScalableQueue): Promise<QueueReading> {
    const { clock, runtimeMs, target } = this.#rules;
    const meter = this.#meters.get(name) ?? new QueueMeter(MEMORY_MS);
    const stats = await queue.stats();
    meter.read(stats, clock.monotonicNow());
    const { totals: _totals, paused: _paused, ...counts } = stats;
    const { queue: physical = queue.name } = queue;
    queueLoad.publish(() => ({ atMs: clock.now(), queue: physical, ...counts, ...meter.rates }));
    const measured = meter.demand(stats);
    const demand = stats.paused
      ? measured
      : { ...measured, runtimeMs: runtimeMs ?? measured.runtimeMs };
    const desired = Math.ceil(workersNeeded([demand], target));
    return { name, physical, demand, report: { ...shown(stats, meter, demand), desired } };
  }
}

function shown(
  stats: QueueStats,
  meter: QueueMeter,
  demand: QueueDemand,
): Omit<QueueReport, "desired"> {
  const { ready, delayed, active, held, dead, paused, oldestReadyMs } = stats;
  return {
    depth: ready + delayed + active + held,
    ready,
    delayed,
    active,
    held,
    dead,
    paused,
    oldestReadySeconds: inSeconds(oldestReadyMs),
    arrivalPerSecond: meter.rates.arrivalPerSecond ?? null,
    servicePerSecond: meter.rates.servicePerSecond ?? null,
    runtimeSeconds: inSeconds(demand.runtimeMs),
  };
}

function inSeconds(ms: number | undefined): number | null {
  return ms === undefined ? null : ms / 1_000;
}
