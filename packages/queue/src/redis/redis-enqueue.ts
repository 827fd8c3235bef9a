/**
 * Adding jobs: those of one turn of the event loop travel together.
 *
 * A hundred requests that each add a job are one script call with a hundred jobs, which costs the
 * server and the process a tenth of a hundred calls. Plain jobs, and there is nothing but these in
 * most queues, go by a script of their own that writes all of them with two commands; what has a key,
 * a priority, a delay, a dedup rule or an id of the application's goes job by job.
 */

import { randomBytes } from "node:crypto";
import type { RedisArgument } from "@headroom/core/redis-client";
import { integerReply } from "@headroom/core/redis-client";
import { TickBatch } from "@headroom/core/tick-batch";
import type { Enqueued, NewJob, QueueSettings } from "../driver.ts";
import type { RedisCalls } from "./redis-calls.ts";
import { recordOf } from "./redis-job-record.ts";
import type { RedisQueue, RedisQueues } from "./redis-queue-rules.ts";
import * as scripts from "./redis-queue-scripts.ts";

interface Request {
  readonly queue: QueueSettings;
  readonly jobs: readonly NewJob[];
}

/** So many calls travel together. */
const MOST_CALLS = 1_000;
const FULL: Enqueued = { outcome: "full" };

export class RedisEnqueue {
  readonly #calls: RedisCalls;
  readonly #queues: RedisQueues;
  readonly #batches = new Map<string, TickBatch<Request, readonly Enqueued[]>>();
  readonly #origin = randomBytes(6).toString("base64url");
  #counter = 0;

  constructor(calls: RedisCalls, queues: RedisQueues) {
    this.#calls = calls;
    this.#queues = queues;
  }

  add(queue: QueueSettings, jobs: readonly NewJob[]): Promise<readonly Enqueued[]> {
    if (jobs.length === 0) return Promise.resolve([]);
    let batch = this.#batches.get(queue.name);
    if (batch === undefined) {
      batch = new TickBatch<Request, readonly Enqueued[]>({
        groupOf: (request) => (request.jobs.every(isPlain) ? 0 : 1),
        send: (requests, group) => this.#send(requests, group === 0),
        most: MOST_CALLS,
      });
      this.#batches.set(queue.name, batch);
    }
    return batch.one({ queue, jobs });
  }

  /** New with every call: no two leases have the same token. */
  nonce(): string {
    return `${this.#origin}${(this.#counter++).toString(36)}`;
  }

  /** A job as the general script takes it. @param heldDelayMs its delay from when it is held no more. */
  argumentsOf(job: NewJob, heldDelayMs?: number): RedisArgument[] {
    const { id, delayMs, mayExist, dedup } = job;
    const windowMs = dedup?.windowMs === undefined ? "" : Math.ceil(dedup.windowMs);
    const record = recordOf(job, this.nonce(), heldDelayMs);
    return [id, record, wholeMs(delayMs), mayExist ? 1 : 0, windowMs];
  }

  async #send(
    requests: readonly Request[],
    arePlain: boolean,
  ): Promise<readonly (readonly Enqueued[])[]> {
    const [first] = requests;
    if (first === undefined) return [];
    const queue = this.#queues.of(first.queue);
    const jobs = requests.length === 1 ? first.jobs : requests.flatMap((request) => request.jobs);
    const { name } = first.queue;
    const outcomes = arePlain
      ? await this.#sendPlain(name, queue, jobs)
      : await this.#sendAny(name, queue, jobs);
    if (requests.length === 1) return [outcomes];
    let at = 0;
    return requests.map((request) => {
      at += request.jobs.length;
      return outcomes.slice(at - request.jobs.length, at);
    });
  }

  async #sendPlain(
    name: string,
    { keys, maxBacklog }: RedisQueue,
    jobs: readonly NewJob[],
  ): Promise<readonly Enqueued[]> {
    const nonce = this.nonce();
    const args: RedisArgument[] = [maxBacklog, jobs.length];
    for (const { id } of jobs) args.push(id);
    for (const job of jobs) args.push(recordOf(job, nonce));
    const reply = await this.#calls.run(name, scripts.ENQUEUE_PLAIN, keys.base, args);
    const added = integerReply(reply);
    return jobs.map(({ id }, at) => (at < added ? { outcome: "added", id } : FULL));
  }

  async #sendAny(
    name: string,
    { keys, rules, maxBacklog }: RedisQueue,
    jobs: readonly NewJob[],
  ): Promise<readonly Enqueued[]> {
    const args: RedisArgument[] = [rules, maxBacklog];
    for (const job of jobs) args.push(...this.argumentsOf(job));
    const reply = await this.#calls.run(name, scripts.ENQUEUE, keys.base, args);
    return (reply as unknown[]).map((each, at) => enqueued(each, jobs[at]?.id ?? ""));
  }
}

/** What a script says of one job. */
export function enqueued(reply: unknown, id: string): Enqueued {
  const text = String(reply);
  if (text.startsWith("=")) return { outcome: "duplicate", id: text.slice(1) };
  return integerReply(reply) === 0 ? { outcome: "added", id } : FULL;
}

function isPlain({ mayExist, delayMs, priority, key, dedup }: NewJob): boolean {
  return !mayExist && delayMs <= 0 && priority === 0 && key === undefined && dedup === undefined;
}

/** Redis takes whole milliseconds. The longest delay is until the year 2255. */
export function wholeMs(ms: number): number {
  return Math.min(Math.max(0, Math.ceil(ms)), 7e12);
}
