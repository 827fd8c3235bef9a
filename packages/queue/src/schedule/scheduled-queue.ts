/** The schedules of one definition: what `queues.reports.schedule(…)` does. */

import type { NewJob, QueueSettings } from "../driver.ts";
import type { Producer } from "../producer.ts";
import { dataOf, type ScheduleOptions, scheduleRules } from "./schedule-options.ts";
import type { Scheduler } from "./scheduler.ts";

export interface Scheduling<Data> {
  /**
   * Adds a job at each tick of a cron expression or an interval, from now on and as long as this process
   * lives; given again, it takes the place of the earlier one. Let every process do so that may: each
   * tick is fired once by all of them together. The job has the headers `schedule` (this name) and
   * `scheduled-at` (the tick's time in ISO 8601).
   *
   * It resolves when all is checked, and does not wait for the server: one that is away is asked until
   * it is back.
   *
   * @throws TypeError or RangeError naming what is wrong (`cron`, `timeZone`, `everyMs`, …); QueueError
   *   `QUEUE_INVALID`, `QUEUE_VALUE`, `QUEUE_TOO_LARGE` when the data, if they are always the same, do not fit.
   */
  schedule(name: string, options: ScheduleOptions<Data>): Promise<void>;
  /**
   * Fires no more in this process, and has the server forget the last tick. Another process that has
   * the schedule goes on.
   * @throws QueueError `QUEUE_UNAVAILABLE`: it fires no more, but is not forgotten.
   */
  unschedule(name: string): Promise<void>;
}

export class ScheduledQueue implements Scheduling<unknown> {
  readonly #scheduler: Scheduler;
  readonly #settings: QueueSettings;
  readonly #producer: Producer;

  constructor(scheduler: Scheduler, settings: QueueSettings, producer: Producer) {
    this.#scheduler = scheduler;
    this.#settings = settings;
    this.#producer = producer;
  }

  async schedule(name: string, options: ScheduleOptions<unknown>): Promise<void> {
    const rules = scheduleRules(name, options);
    const job = (tickMs: number): NewJob | Promise<NewJob> => this.#jobOf(name, options, tickMs);
    // What is the same each time is found wrong now, and what is not at its tick.
    if (typeof options.data !== "function") await job(0);
    this.#scheduler.start(this.#settings, rules, job);
  }

  unschedule(name: string): Promise<void> {
    return this.#scheduler.stop(this.#settings, name);
  }

  #jobOf(
    name: string,
    options: ScheduleOptions<unknown>,
    tickMs: number,
  ): NewJob | Promise<NewJob> {
    const { headers, priority } = options;
    return this.#producer.prepare(dataOf(options, { atMs: tickMs }), {
      priority,
      headers: {
        ...headers,
        schedule: name,
        "scheduled-at": new Date(tickMs).toISOString(),
      },
    });
  }
}
