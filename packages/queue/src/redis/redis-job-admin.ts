/** Looking at jobs, and taking them out of their way. */

import { integerReply, type RedisArgument } from "@headroom/core/redis-client";
import type { RedisScript } from "@headroom/core/redis-script";
import type { Lease, QueueSettings } from "../driver.ts";
import type { JobAdmin, JobPage, JobRecord, JobState } from "../driver-powers.ts";
import type { RedisCalls } from "./redis-calls.ts";
import { type JobDescription, jobRecord } from "./redis-job-description.ts";
import * as scripts from "./redis-power-scripts.ts";
import type { RedisQueues } from "./redis-queue-rules.ts";

/** So many jobs at a time, so that the server is not held up. */
const MOST_AT_A_TIME = 500;

export class RedisJobAdmin implements JobAdmin {
  readonly #calls: RedisCalls;
  readonly #queues: RedisQueues;

  constructor(calls: RedisCalls, queues: RedisQueues) {
    this.#calls = calls;
    this.#queues = queues;
  }

  async find(settings: QueueSettings, id: string): Promise<JobRecord | undefined> {
    const reply = await this.#run(settings, scripts.FIND, [id]);
    return reply === null ? undefined : jobRecord(reply as JobDescription);
  }

  async list(
    settings: QueueSettings,
    state: JobState,
    { limit, cursor }: { readonly limit: number; readonly cursor?: string | undefined },
  ): Promise<JobPage> {
    const reply = await this.#run(settings, scripts.LIST, [state, limit, cursor ?? ""]);
    const [next, ...jobs] = reply as [Buffer | null, ...(JobDescription | null)[]];
    return {
      jobs: jobs.filter((job) => job !== null).map(jobRecord),
      cursor: next === null ? undefined : String(next),
    };
  }

  async cancel(settings: QueueSettings, id: string): Promise<boolean> {
    return integerReply(await this.#run(settings, scripts.CANCEL, [id])) === 1;
  }

  async pause(settings: QueueSettings): Promise<void> {
    await this.#run(settings, scripts.PAUSE, [1]);
  }

  async resume(settings: QueueSettings): Promise<void> {
    await this.#run(settings, scripts.PAUSE, [0]);
  }

  async redrive(
    settings: QueueSettings,
    which: { readonly ids: readonly string[] } | { readonly limit: number },
  ): Promise<number> {
    if ("ids" in which) {
      return this.#inParts(which.ids.length, (most, from) =>
        this.#run(settings, scripts.REDRIVE, ["", ...which.ids.slice(from, from + most)]),
      );
    }
    return this.#inParts(which.limit, (most) => this.#run(settings, scripts.REDRIVE, [most]), true);
  }

  async purge(settings: QueueSettings, states: readonly JobState[]): Promise<number> {
    let count = 0;
    for (const state of new Set(states)) {
      // A lease is not taken from its holder unheard.
      if (state === "active") continue;
      const purge = (most: number) => this.#run(settings, scripts.PURGE, [state, most]);
      count += await this.#inParts(Number.POSITIVE_INFINITY, purge, true);
    }
    return count;
  }

  async progress(settings: QueueSettings, lease: Lease, progress: string): Promise<boolean> {
    const { id, token } = lease;
    return integerReply(await this.#run(settings, scripts.PROGRESS, [id, token, progress])) === 1;
  }

  /** Adds up replies. @param untilFewer whether fewer than asked for means that there are no more. */
  async #inParts(
    limit: number,
    part: (most: number, from: number) => Promise<unknown>,
    untilFewer = false,
  ): Promise<number> {
    let count = 0;
    for (let from = 0; from < limit; from += MOST_AT_A_TIME) {
      const most = Math.min(limit - from, MOST_AT_A_TIME);
      const done = integerReply(await part(most, from));
      count += done;
      if (untilFewer && done < most) break;
    }
    return count;
  }

  #run(
    settings: QueueSettings,
    script: RedisScript,
    args: readonly RedisArgument[],
  ): Promise<unknown> {
    const { keys, rules } = this.#queues.of(settings);
    return this.#calls.run(settings.name, script, keys.base, [rules, ...args]);
  }
}
