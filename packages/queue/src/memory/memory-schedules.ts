/** The last tick that each schedule of a queue has fired. */

import type { NewJob, QueueSettings } from "../driver.ts";
import type { Schedules } from "../driver-powers.ts";
import type { MemoryQueue } from "./memory-queue.ts";

type Fired = Awaited<ReturnType<Schedules["fire"]>>;
type Begun = Awaited<ReturnType<Schedules["begin"]>>;

export class MemorySchedules {
  readonly #queue: MemoryQueue;
  readonly #now: () => number;
  readonly #lastTicks = new Map<string, number>();

  /** @param now wall time, as ticks are. */
  constructor(queue: MemoryQueue, now: () => number) {
    this.#queue = queue;
    this.#now = now;
  }

  fire(settings: QueueSettings, schedule: string, tickMs: number, job: NewJob): Fired {
    const inMs = tickMs - this.#now();
    if (inMs > 0) return { outcome: "early", inMs };
    const lastTickMs = this.#lastTicks.get(schedule);
    if (lastTickMs !== undefined && lastTickMs >= tickMs) return { outcome: "already" };
    this.#lastTicks.set(schedule, tickMs);
    // The job of a tick is one at most: a backlog that is full does not lose it.
    this.#queue.enqueue({ ...settings, maxBacklog: undefined }, [job]);
    return { outcome: "fired" };
  }

  begin(schedule: string): Begun {
    const nowMs = this.#now();
    const lastTickMs = this.#lastTicks.get(schedule) ?? nowMs;
    this.#lastTicks.set(schedule, lastTickMs);
    return { lastTickMs, nowMs };
  }

  forget(schedule: string): void {
    this.#lastTicks.delete(schedule);
  }
}
