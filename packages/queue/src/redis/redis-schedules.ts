/** The last tick of each schedule, and the job of the next one in the same step. */

import { integerReply } from "@headroom/core/redis-client";
import type { NewJob, QueueSettings } from "../driver.ts";
import type { Schedules } from "../driver-powers.ts";
import type { RedisCalls } from "./redis-calls.ts";
import type { RedisEnqueue } from "./redis-enqueue.ts";
import * as scripts from "./redis-power-scripts.ts";
import type { RedisQueues } from "./redis-queue-rules.ts";

export class RedisSchedules implements Schedules {
  readonly #calls: RedisCalls;
  readonly #queues: RedisQueues;
  readonly #enqueue: RedisEnqueue;

  constructor(calls: RedisCalls, queues: RedisQueues, enqueue: RedisEnqueue) {
    this.#calls = calls;
    this.#queues = queues;
    this.#enqueue = enqueue;
  }

  async fire(
    settings: QueueSettings,
    schedule: string,
    tickMs: number,
    job: NewJob,
  ): ReturnType<Schedules["fire"]> {
    const { keys, rules } = this.#queues.of(settings);
    const args = [rules, schedule, tickMs, ...this.#enqueue.argumentsOf(job)];
    const reply = await this.#calls.run(settings.name, scripts.FIRE, keys.base, args);
    const inMs = integerReply(reply);
    if (inMs > 0) return { outcome: "early", inMs };
    return { outcome: inMs === 0 ? "fired" : "already" };
  }

  async begin(settings: QueueSettings, schedule: string): ReturnType<Schedules["begin"]> {
    const { keys, rules } = this.#queues.of(settings);
    const args = [rules, schedule];
    const reply = await this.#calls.run(settings.name, scripts.BEGIN_SCHEDULE, keys.base, args);
    const [lastTickMs = 0, nowMs = 0] = (reply as unknown[]).map(integerReply);
    return { lastTickMs, nowMs };
  }

  async forget(settings: QueueSettings, schedule: string): Promise<void> {
    const { keys, rules } = this.#queues.of(settings);
    await this.#calls.run(settings.name, scripts.FORGET_SCHEDULE, keys.base, [rules, schedule]);
  }
}
