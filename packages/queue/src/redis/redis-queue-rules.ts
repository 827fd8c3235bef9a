/** What the scripts must know of a queue, as one text that is made once. */

import type { QueueSettings } from "../driver.ts";
import { RedisQueueKeys } from "./redis-queue-keys.ts";

/** JSON has no Infinity; this is longer and more than anything is kept. */
const NO_END = 1e15;

export interface RedisQueue {
  readonly keys: RedisQueueKeys;
  /** JSON: concurrency, rate jobs, rate ms, per key, gap of a key, done ms, count, dead ms, count, channel. */
  readonly rules: string;
  /** For the scripts: "" is none. */
  readonly maxBacklog: number | string;
}

export class RedisQueues {
  readonly #prefix: string;
  /** By the settings' identity: they are made once. */
  readonly #queues = new WeakMap<QueueSettings, RedisQueue>();

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  of(settings: QueueSettings): RedisQueue {
    let queue = this.#queues.get(settings);
    if (queue === undefined) {
      const keys = new RedisQueueKeys(this.#prefix, settings.name);
      const { maxBacklog = "" } = settings;
      queue = { keys, rules: rulesText(settings, keys.events), maxBacklog };
      this.#queues.set(settings, queue);
    }
    return queue;
  }
}

function rulesText({ limits, retention }: QueueSettings, channel: string): string {
  const { concurrency = -1, rate, perKeyConcurrency, perKeyRate } = limits;
  const { done, dead } = retention;
  const gapMs = perKeyRate === undefined ? 0 : perKeyRate.perMs / perKeyRate.jobs;
  return JSON.stringify([
    bounded(concurrency),
    rate?.jobs ?? -1,
    rate?.perMs ?? -1,
    bounded(perKeyConcurrency),
    gapMs,
    bounded(done?.ms ?? -1),
    bounded(done?.count ?? -1),
    bounded(dead.ms),
    bounded(dead.count),
    channel,
  ]);
}

function bounded(amount: number): number {
  return Math.min(amount, NO_END);
}
