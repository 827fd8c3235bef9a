/**
 * Fires schedules: each tick once, though every process tries.
 *
 * There is no leader. All processes that have a schedule know its ticks, wait for the next one, and
 * ask the server to add its job; the server does so for the first who asks and tells the others
 * "already", in one step with writing the tick down. A process that dies takes nothing with it.
 *
 * The time is the server's. A process learns it with its first question, keeps count on its monotonic
 * clock and asks again every minute or two (`ServerTime`), so one whose clock is an hour fast or slow waits
 * for the same instant as all others. Should it be early all the same, the server says by how much.
 *
 * There is one loop, and no difference between waking up for a tick and finding one that was missed:
 * what is the last tick that is not in the future, and has it been fired? So what happens after the
 * server was away, the machine slept, the loop was blocked or all processes were down is one thing:
 * the last tick is fired if it is not older than `catchUpMs`, and those before it are not.
 *
 * What is *not* guaranteed: if the server loses what it has acknowledged (fails over to a replica that
 * was behind), it may fire a tick again, together with the jobs that it has lost. And the job of a tick
 * is a job like all others: fired exactly once, processed at least once.
 */

import { decorrelatedJitterBackoff } from "@headroom/core/backoff";
import { type QueueTick, queueTick } from "@headroom/core/channels";
import type { Clock } from "@headroom/core/clock";
import type { Random } from "@headroom/core/random";
import type { NewJob, QueueSettings } from "../driver.ts";
import type { Schedules } from "../driver-powers.ts";
import type { ScheduleRules } from "./schedule-options.ts";
import { ServerTime } from "./server-time.ts";

/** How a schedule makes the job of a tick. What it throws costs this tick only. */
export type TickJob = (tickMs: number) => NewJob | Promise<NewJob>;

export interface SchedulerOptions {
  readonly schedules: Schedules;
  /** The driver's name, for telemetry. */
  readonly system: string;
  readonly clock: Clock;
  readonly random: Random;
}

/** A tick is not called missed for being so late. */
const GRACE_MS = 5_000;
/** Asleep no longer than this, so that the time is asked for again. */
const NAP_MS = 60_000;
const BACKOFF = decorrelatedJitterBackoff({ baseMs: 100, maxMs: 2_000 });

/** All schedules of a process on one server. */
export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #time: ServerTime;
  readonly #running = new Map<string, Running>();
  #isClosed = false;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#time = new ServerTime(options.clock);
  }

  /** Fires from now on; in the place of the one that has this name in this queue. */
  start(queue: QueueSettings, rules: ScheduleRules, job: TickJob): void {
    if (this.#isClosed) return;
    const place = placeOf(queue, rules.name);
    void this.#running.get(place)?.stop();
    this.#running.set(place, new Running(this.#options, this.#time, { queue, rules, job }));
  }

  /** Fires no more here, and the server forgets it; another process that has it goes on. */
  async stop(queue: QueueSettings, name: string): Promise<void> {
    const place = placeOf(queue, name);
    const running = this.#running.get(place);
    this.#running.delete(place);
    await running?.stop();
    await this.#options.schedules.forget(queue, name);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#running.values()].map((running) => running.stop()));
    this.#running.clear();
  }
}

function placeOf(queue: QueueSettings, name: string): string {
  return `${queue.name}/${name}`;
}

interface Plan {
  readonly queue: QueueSettings;
  readonly rules: ScheduleRules;
  readonly job: TickJob;
}

/** One schedule. */
class Running {
  readonly #options: SchedulerOptions;
  readonly #time: ServerTime;
  readonly #plan: Plan;
  readonly #end = new AbortController();
  readonly #over: Promise<void>;
  /** The last tick that is dealt with: fired, by whomever, or missed. Undefined: not known yet. */
  #lastMs: number | undefined;

  constructor(options: SchedulerOptions, time: ServerTime, plan: Plan) {
    this.#options = options;
    this.#time = time;
    this.#plan = plan;
    this.#over = this.#run();
  }

  /** Resolves when what was under way is over. */
  stop(): Promise<void> {
    this.#end.abort();
    return this.#over;
  }

  async #run(): Promise<void> {
    let failures = 0;
    let delayMs = 0;
    while (!this.#end.signal.aborted) {
      try {
        delayMs = await this.#turn();
        failures = 0;
      } catch {
        failures++;
        delayMs = BACKOFF(failures, this.#options.random, failures === 1 ? 0 : delayMs);
        this.#lastMs = undefined; // what the server knows may be another thing after an outage
        this.#tell("failed", undefined);
      }
      await this.#sleep(delayMs);
    }
  }

  /** @returns how long there is nothing to do. */
  async #turn(): Promise<number> {
    const { queue, rules } = this.#plan;
    if (this.#lastMs === undefined || this.#time.isStale) {
      const begun = await this.#options.schedules.begin(queue, rules.name);
      this.#time.observe(begun.nowMs);
      this.#lastMs = Math.max(this.#lastMs ?? begun.lastTickMs, begun.lastTickMs);
    }
    const dueMs = rules.ticks.upTo(this.#time.now());
    if (dueMs !== undefined && dueMs > this.#lastMs) {
      const lateMs = this.#time.now() - dueMs;
      if (lateMs <= Math.max(rules.catchUpMs, GRACE_MS)) return await this.#fire(dueMs, lateMs);
      this.#lastMs = dueMs;
      this.#tell("missed", lateMs);
    }
    const nowMs = this.#time.now();
    const nextMs = rules.ticks.after(Math.max(nowMs, this.#lastMs));
    return Math.ceil(Math.min((nextMs ?? Number.POSITIVE_INFINITY) - nowMs, this.#nap()));
  }

  async #fire(tickMs: number, lateMs: number): Promise<number> {
    const { queue, rules, job } = this.#plan;
    const made = await this.#make(job, tickMs);
    if (made === undefined) {
      this.#lastMs = tickMs;
      this.#tell("invalid", lateMs);
      return 0;
    }
    const fired = await this.#options.schedules.fire(queue, rules.name, tickMs, made);
    if (fired.outcome === "early") {
      this.#time.observe(tickMs - fired.inMs);
      return Math.max(1, fired.inMs);
    }
    this.#lastMs = tickMs;
    this.#tell(fired.outcome, lateMs);
    return 0;
  }

  async #make(job: TickJob, tickMs: number): Promise<NewJob | undefined> {
    try {
      return await job(tickMs);
    } catch {
      return undefined; // told as "invalid"
    }
  }

  /** Not all schedules of all processes at one instant: the first to wake asks for all of its process. */
  #nap(): number {
    return NAP_MS * (0.75 + this.#options.random() / 2);
  }

  async #sleep(delayMs: number): Promise<void> {
    if (delayMs === 0) return;
    try {
      await this.#options.clock.sleep(delayMs, { signal: this.#end.signal });
    } catch {
      // Stopped: the loop sees it.
    }
  }

  #tell(outcome: QueueTick["outcome"], lateMs: number | undefined): void {
    const { clock, system } = this.#options;
    const queue = this.#plan.queue.name;
    queueTick.publish(() => ({ atMs: clock.now(), queue, system, outcome, lateMs }));
  }
}
