/**
 * How the driver talks to its server: every call has a deadline, every failure is one of ours.
 *
 * The client is the application's. While it is not connected it keeps commands and sends them later,
 * which is good for a moment and bad for an hour: so the caller is told after `timeoutMs`, and what
 * comes later is either harmless or undone by `late`.
 */

import { isHeadroomError } from "@headroom/core/errors";
import { OperationDeadlines } from "@headroom/core/operation-deadlines";
import { isRedisCluster, type RedisArgument, type RedisClient } from "@headroom/core/redis-client";
import { redisFailureCode } from "@headroom/core/redis-failure";
import type { RedisScript } from "@headroom/core/redis-script";
import { driverFailed, QueueError } from "../errors.ts";
import type { RedisDriverRules } from "./redis-driver-options.ts";
import { checkRedisServer } from "./redis-server-check.ts";

export class RedisCalls {
  readonly #client: RedisClient;
  readonly #rules: RedisDriverRules;
  readonly #deadlines: OperationDeadlines;
  /** The check that is under way, or true once it went well. */
  #checked: Promise<void> | true | undefined;
  #isWarned = false;
  #isClosed = false;

  constructor(client: RedisClient, rules: RedisDriverRules) {
    this.#client = client;
    this.#rules = rules;
    const { timeoutMs, clock } = rules;
    this.#deadlines = new OperationDeadlines(timeoutMs, clock, () => {
      // A master that does not answer may have been replaced, and nobody has told the client.
      if (isRedisCluster(client)) client.refreshSlotsCache();
      return new Error(`no answer within ${timeoutMs} ms`);
    });
  }

  /**
   * Runs a script on the queue whose first key is `base`.
   * @param late told a reply that came after the deadline.
   */
  run(
    queue: string,
    script: RedisScript,
    base: string,
    args: readonly RedisArgument[],
    late?: (reply: unknown) => void,
  ): Promise<unknown> {
    if (this.#isClosed) return Promise.reject(closed(queue));
    const send = (): Promise<unknown> => script.run(this.#client, [base], args);
    const work = this.#checked === true ? send() : this.#check(queue).then(send);
    return this.#deadlines.limit(
      work,
      (error, failed) => (failed ? failure(queue, error) : error),
      late,
    );
  }

  close(): void {
    this.#isClosed = true;
  }

  /** @throws QueueError `QUEUE_CLOSED`. */
  requireOpen(queue: string): void {
    if (this.#isClosed) throw closed(queue);
  }

  #check(queue: string): Promise<void> {
    if (this.#checked === true) return Promise.resolve();
    this.#checked ??= checkRedisServer(this.#client, queue, this.#rules).then(
      (isKnown) => {
        this.#checked = true;
        if (!isKnown) this.#warn();
      },
      (error) => {
        this.#checked = undefined;
        throw error;
      },
    );
    return this.#checked;
  }

  #warn(): void {
    if (this.#isWarned) return;
    this.#isWarned = true;
    process.emitWarning(
      "Redis does not tell its maxmemory-policy: make sure that it is noeviction, or jobs may be deleted",
      { type: "HeadroomWarning", code: "QUEUE_EVICTION_UNKNOWN" },
    );
  }
}

function failure(queue: string, error: unknown): QueueError {
  if (isHeadroomError(error)) return error as QueueError;
  const code = redisFailureCode(error);
  return driverFailed(queue, "redis", Object.assign(new Error(code), { code }));
}

function closed(queue: string): QueueError {
  return new QueueError("QUEUE_CLOSED", queue, `queue "${queue}": its driver is closed`);
}
