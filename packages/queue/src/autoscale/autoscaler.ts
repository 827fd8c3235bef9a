/**
 * As many workers in this process as the load needs.
 *
 * Every few seconds the queues are asked how they stand, and `desiredWorkers` says how many workers
 * there should be. More are started at once. Fewer are wanted only when fewer have been enough for a
 * while, and then the youngest are stopped: they finish what they have begun, and count no more.
 *
 * When the queues cannot be asked, all stays as it is: an outage is no reason to start or stop anything.
 * A worker that does not start is tried again at the next decision.
 *
 * What it does not do: it knows the workers it has started and no others. With a pool in each of four
 * processes, tell each that its `share` is a quarter.
 */

import { type QueueScale, queueLoad, queueScale } from "@headroom/core/channels";
import type { Timer } from "@headroom/core/clock";
import {
  type AutoscalerOptions,
  type AutoscalerRules,
  autoscalerRules,
  type ScalableQueue,
  type ScalableWorker,
} from "./autoscaler-options.ts";
import { desiredWorkers, type QueueDemand } from "./desired-workers.ts";
import { followRuntimes } from "./follow-runtimes.ts";
import { QueueMeter } from "./queue-meter.ts";
import { RecentPeak } from "./recent-peak.ts";

export interface Autoscaler extends AsyncDisposable {
  /** How many work now; those that finish their last jobs do not count. */
  readonly workers: number;
  /** Decides no more and stops all workers; resolves when they have finished. */
  close(): Promise<void>;
}

/** @throws TypeError or RangeError naming the option that is wrong. */
export function createAutoscaler(options: AutoscalerOptions): Autoscaler {
  return new LocalPool(autoscalerRules(options));
}

/** Rates are averaged over so many decisions. */
const MEMORY = 6;

class LocalPool implements Autoscaler {
  readonly #rules: AutoscalerRules;
  readonly #meters = new Map<string, QueueMeter>();
  readonly #peak: RecentPeak;
  readonly #unfollow: () => void;
  readonly #working: ScalableWorker[] = [];
  readonly #stopping = new Set<Promise<unknown>>();
  #timer: Timer | undefined;
  #deciding: Promise<void>;
  #closing: Promise<void> | undefined;

  constructor(rules: AutoscalerRules) {
    const { clock } = rules;
    this.#rules = rules;
    this.#peak = new RecentPeak(rules.downAfterMs);
    for (const queue of rules.queues) {
      this.#meters.set(physicalName(queue), new QueueMeter(MEMORY * rules.intervalMs));
    }
    this.#unfollow = followRuntimes(clock, (queue, runtimeMs) =>
      this.#meters.get(queue)?.took(runtimeMs, clock.monotonicNow()),
    );
    this.#deciding = this.#decide();
  }

  get workers(): number {
    return this.#working.length;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#timer?.cancel();
    this.#unfollow();
    await this.#deciding;
    while (this.#working.length > 0) this.#stopOne();
    await Promise.all(this.#stopping);
  }

  async #decide(): Promise<void> {
    const from = this.workers;
    const demands = await this.#demands();
    if (demands === undefined) {
      this.#tell("unknown", from, from);
      // The least there is to be does not depend on the load.
      await this.#grow(this.#rules.limits.minWorkers);
    } else await this.#scale(desiredWorkers({ workers: from, demands }, this.#rules.limits));
    if (this.#closing !== undefined) return;
    this.#timer = this.#rules.clock.timer(() => {
      this.#deciding = this.#decide();
    }, this.#rules.intervalMs);
  }

  async #scale(desired: number): Promise<void> {
    const from = this.workers;
    const peak = this.#peak.add(desired, this.#rules.clock.monotonicNow());
    if (desired >= from) await this.#grow(desired);
    else while (this.workers > peak) this.#stopOne();
    if (this.workers !== from) this.#tell("scaled", from, this.workers);
  }

  async #grow(to: number): Promise<void> {
    try {
      while (this.workers < to && this.#closing === undefined) {
        this.#working.push(await this.#rules.start());
      }
    } catch {
      this.#tell("start-failed", this.workers, to);
    }
  }

  #stopOne(): void {
    const worker = this.#working.pop();
    if (worker === undefined) return;
    const stopping = worker.stop().catch(() => {}); // its own events tell of that
    this.#stopping.add(stopping);
    void stopping.finally(() => this.#stopping.delete(stopping));
  }

  /** Undefined: they could not be asked. */
  async #demands(): Promise<QueueDemand[] | undefined> {
    try {
      return await Promise.all(this.#rules.queues.map((queue) => this.#demandOf(queue)));
    } catch {
      return undefined; // told as "unknown"
    }
  }

  async #demandOf(queue: ScalableQueue): Promise<QueueDemand> {
    const { clock, share } = this.#rules;
    const meter = this.#meters.get(physicalName(queue)) ?? new QueueMeter(1);
    const stats = await queue.stats();
    meter.read(stats, clock.monotonicNow());
    const { totals: _totals, paused: _paused, ...counts } = stats;
    queueLoad.publish(() => ({
      atMs: clock.now(),
      queue: physicalName(queue),
      ...counts,
      ...meter.rates,
    }));
    const { backlog, arrivalPerSecond, runtimeMs } = meter.demand(stats);
    return { backlog: backlog * share, arrivalPerSecond: arrivalPerSecond * share, runtimeMs };
  }

  #tell(outcome: QueueScale["outcome"], from: number, to: number): void {
    const { clock, name } = this.#rules;
    queueScale.publish(() => ({ atMs: clock.now(), pool: name, from, to, outcome }));
  }
}

function physicalName({ name, queue = name }: ScalableQueue): string {
  return queue;
}
