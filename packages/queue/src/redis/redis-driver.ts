/**
 * Jobs on Redis: a single server, the primary that Sentinels name, or a Cluster.
 *
 *     enqueue   EVALSHA: HMGET, HSET…, RPUSH…            one call for all of a turn of the event loop
 *     claim     EVALSHA: LPOP n, HMGET n, ZADD n         and what has expired or become due, on the way
 *     settle    EVALSHA: ZREM n, HDEL n, then a claim    one round trip
 *     extend    EVALSHA: ZMSCORE n, ZADD n
 *
 * Every transition is one script, so a job is in one state whatever dies in between, and the time is
 * the server's. A lease is the score of its token in a sorted set: who can take the token out settles,
 * who can raise its score extends, and all that have expired are one range.
 *
 * What it does not guarantee: Redis replicates asynchronously, and writes its log to disk once a
 * second unless told otherwise (`appendfsync always`). A replica that takes over may not know of the
 * last jobs, or hand out again those that were just done. If it does not know of a claim, it hands the
 * job out with the same token: the two who hold it then are told apart only when one has settled.
 */

import { randomBytes } from "node:crypto";
import { integerReply, type RedisClient, requireRedisClient } from "@headroom/core/redis-client";
import { FULL_CAPABILITIES, type FullCapabilities } from "../capabilities.ts";
import type {
  Claim,
  ClaimedJob,
  ClaimRequest,
  DriverEvent,
  Enqueued,
  EnqueueOptions,
  Lease,
  LeaseState,
  NewJob,
  QueueDriver,
  QueueSettings,
  QueueStats,
  Settled,
  Settlement,
  SettleOptions,
  SettleOutcome,
  Subscription,
  Swept,
} from "../driver.ts";
import { driverFailed, QueueError } from "../errors.ts";
import { RedisCalls } from "./redis-calls.ts";
import { type RedisDriverOptions, redisDriverRules } from "./redis-driver-options.ts";
import { RedisEnqueue } from "./redis-enqueue.ts";
import { RedisEvents } from "./redis-events.ts";
import { RedisFlows } from "./redis-flows.ts";
import { RedisJobAdmin } from "./redis-job-admin.ts";
import { claimedJob } from "./redis-job-record.ts";
import { type RedisQueue, RedisQueues } from "./redis-queue-rules.ts";
import * as scripts from "./redis-queue-scripts.ts";
import { RedisSchedules } from "./redis-schedules.ts";
import { encodeSettlements, MOST_SETTLEMENTS, settleOutcomes } from "./redis-settlements.ts";
import { RedisWaker } from "./redis-waker.ts";

export interface RedisCapabilities extends FullCapabilities {
  readonly transactions: false;
  readonly durability: "async-fsync";
}

/** Lua takes some thousand arguments at a time. */
const MOST_CLAIMED = 2_000;
const MOST_EXTENDED = 2_000;
const MOST_SWEPT = 500;

const EXTENDED: readonly LeaseState[] = ["lost", "extended", "cancelled"];

/**
 * Keeps jobs in Redis 7 or later. The application makes the client, and closes it; the driver opens
 * connections of its own like it (`client.duplicate()`), to wait for jobs and to hear of them.
 *
 * @throws TypeError when it is no client of ioredis, or an option is unknown; RangeError when it is a
 *   Cluster that reads from replicas, or an option is out of its range.
 */
export function redisDriver(client: RedisClient, options: RedisDriverOptions = {}): RedisDriver {
  return new RedisDriver(client, options);
}

export class RedisDriver implements QueueDriver<RedisCapabilities> {
  readonly name = "redis";
  readonly capabilities: RedisCapabilities = {
    ...FULL_CAPABILITIES,
    transactions: false,
    durability: "async-fsync",
  };
  readonly admin: RedisJobAdmin;
  readonly schedules: RedisSchedules;
  readonly flows: RedisFlows;
  readonly #calls: RedisCalls;
  readonly #queues: RedisQueues;
  readonly #enqueue: RedisEnqueue;
  readonly #waker: RedisWaker;
  readonly #events: RedisEvents;

  constructor(client: RedisClient, options: RedisDriverOptions) {
    requireRedisClient("client", client);
    const rules = redisDriverRules(options);
    this.#calls = new RedisCalls(client, rules);
    this.#queues = new RedisQueues(rules.prefix);
    this.#enqueue = new RedisEnqueue(this.#calls, this.#queues);
    const origin = randomBytes(9).toString("base64url");
    this.#waker = new RedisWaker({ ...rules, client, origin });
    this.#events = new RedisEvents({ ...rules, client, origin });
    this.admin = new RedisJobAdmin(this.#calls, this.#queues);
    this.schedules = new RedisSchedules(this.#calls, this.#queues, this.#enqueue);
    this.flows = new RedisFlows(this.#calls, this.#queues, this.#enqueue);
  }

  async enqueue(
    settings: QueueSettings,
    jobs: readonly NewJob[],
    { tx }: EnqueueOptions = {},
  ): Promise<readonly Enqueued[]> {
    const { priorities } = this.capabilities;
    if (tx !== undefined) throw unsupported(settings.name, "transactions");
    if (jobs.some(({ priority }) => priority >= priorities)) {
      throw unsupported(settings.name, "priorities");
    }
    return this.#enqueue.add(settings, jobs);
  }

  async claim(settings: QueueSettings, request: ClaimRequest): Promise<Claim> {
    const queue = this.#queues.of(settings);
    const args = [queue.rules, ...claimArguments(request)];
    const late = (reply: unknown): void => this.#giveBack(settings, readClaim(reply));
    const reply = await this.#calls.run(settings.name, scripts.CLAIM, queue.keys.base, args, late);
    return this.#claimed(queue, request, reply);
  }

  async settle(
    settings: QueueSettings,
    settlements: readonly Settlement[],
    options: SettleOptions = {},
  ): Promise<Settled> {
    if (options.tx !== undefined) throw unsupported(settings.name, "transactions");
    const outcomes: SettleOutcome[] = [];
    let rest = settlements;
    while (rest.length > MOST_SETTLEMENTS) {
      const some = await this.#settle(settings, rest.slice(0, MOST_SETTLEMENTS), undefined);
      outcomes.push(...some.outcomes);
      rest = rest.slice(MOST_SETTLEMENTS);
    }
    const last = await this.#settle(settings, rest, options.claim);
    return outcomes.length === 0 ? last : { ...last, outcomes: [...outcomes, ...last.outcomes] };
  }

  async #settle(
    settings: QueueSettings,
    settlements: readonly Settlement[],
    request: ClaimRequest | undefined,
  ): Promise<Settled> {
    if (settlements.length === 0) {
      return { outcomes: [], claim: request && (await this.claim(settings, request)) };
    }
    const queue = this.#queues.of(settings);
    const { args, order } = encodeSettlements(settings, settlements);
    const claim = request === undefined ? [0, 0] : claimArguments(request);
    const late = (reply: unknown): void => {
      if (request !== undefined) this.#giveBack(settings, readClaim((reply as unknown[])[1]));
    };
    const reply = (await this.#calls.run(
      settings.name,
      scripts.SETTLE,
      queue.keys.base,
      [queue.rules, ...claim, ...args],
      late,
    )) as unknown[];
    return {
      outcomes: settleOutcomes(order, reply[0]),
      claim: request && this.#claimed(queue, request, reply[1]),
    };
  }

  async extend(
    settings: QueueSettings,
    leases: readonly Lease[],
    leaseMs: number,
  ): Promise<readonly LeaseState[]> {
    const { keys, rules } = this.#queues.of(settings);
    const states: LeaseState[] = [];
    for (let from = 0; from < leases.length; from += MOST_EXTENDED) {
      const some = leases.slice(from, from + MOST_EXTENDED);
      const args = [rules, wholeLease(leaseMs), ...some.map(({ token }) => token)];
      const reply = await this.#calls.run(settings.name, scripts.EXTEND, keys.base, args);
      for (const each of reply as unknown[]) states.push(EXTENDED[integerReply(each)] ?? "lost");
    }
    return states;
  }

  async sweep(settings: QueueSettings): Promise<Swept> {
    const { keys, rules } = this.#queues.of(settings);
    const args = [rules, MOST_SWEPT];
    const reply = await this.#calls.run(settings.name, scripts.SWEEP, keys.base, args);
    return readSwept(reply);
  }

  async stats(settings: QueueSettings): Promise<QueueStats> {
    const { base } = this.#queues.of(settings).keys;
    const reply = await this.#calls.run(settings.name, scripts.STATS, base, []);
    const [ready = 0, delayed = 0, active = 0, held = 0, dead = 0, paused, oldestMs = -1, ...rest] =
      (reply as unknown[]).map(integerReply);
    const [added = 0, ended = 0] = rest;
    return {
      ready,
      delayed,
      active,
      held,
      dead,
      paused: paused === 1,
      oldestReadyMs: oldestMs < 0 ? undefined : oldestMs,
      totals: { added, ended },
    };
  }

  subscribe(
    settings: QueueSettings,
    kinds: readonly DriverEvent["kind"][],
    listener: (event: DriverEvent) => void,
  ): Subscription {
    const { name } = settings;
    this.#calls.requireOpen(name);
    const { wake, events } = this.#queues.of(settings).keys;
    const parts: { readonly ready: Promise<void>; close(): void }[] = [];
    if (kinds.includes("ready")) {
      parts.push(this.#waker.add(wake, () => listener({ kind: "ready" })));
    }
    if (kinds.some((kind) => kind !== "ready")) {
      parts.push(
        this.#events.add(events, (event) => {
          if (kinds.includes(event.kind)) listener(event);
        }),
      );
    }
    const ready = Promise.all(parts.map((part) => part.ready)).then(
      () => {},
      (error) => {
        throw driverFailed(name, "redis", error);
      },
    );
    // Whoever does not wait for it hears of it when nothing is told.
    ready.catch(() => {});
    const close = async (): Promise<void> => {
      for (const part of parts.splice(0)) part.close();
    };
    return { ready, close };
  }

  close(): Promise<void> {
    this.#calls.close();
    this.#waker.close();
    this.#events.close();
    return Promise.resolve();
  }

  #claimed({ keys }: RedisQueue, { limit }: ClaimRequest, reply: unknown): Claim {
    const claim = readClaim(reply);
    this.#waker.claimed(keys.wake, claim.jobs.length < limit);
    return claim;
  }

  /** Jobs that were claimed too late: nobody works on them, and others would wait until their leases expire. */
  #giveBack(settings: QueueSettings, { jobs }: Claim): void {
    const verdict = { kind: "release", delayMs: 0 } as const;
    if (jobs.length === 0) return;
    this.settle(
      settings,
      jobs.map((job) => ({ job, verdict })),
    ).catch(() => {});
  }
}

function unsupported(queue: string, name: keyof RedisCapabilities): QueueError {
  return new QueueError(
    "QUEUE_UNSUPPORTED",
    queue,
    `queue "${queue}": the Redis driver has not the capability ${name}`,
  );
}

function claimArguments({ limit, leaseMs }: ClaimRequest): number[] {
  return [Math.min(limit, MOST_CLAIMED), wholeLease(leaseMs)];
}

function wholeLease(ms: number): number {
  return Math.max(1, Math.ceil(ms));
}

function readClaim(reply: unknown): Claim {
  const [now, next, records, swept] = reply as [unknown, unknown, (Buffer | null)[], unknown];
  const nowMs = integerReply(now);
  const nextMs = integerReply(next);
  const jobs: ClaimedJob[] = [];
  for (const record of records) {
    // One that is not there belongs to a job that was deleted meanwhile.
    if (record !== null) jobs.push(claimedJob(record.toString(), nowMs));
  }
  const claim = { jobs, nextMs: nextMs < 0 ? undefined : nextMs };
  return Array.isArray(swept) ? { ...claim, swept: readSwept(swept) } : claim;
}

/** How many are ready again, and the notices of the dead. */
function readSwept(reply: unknown): Swept {
  const [recovered, ...dead] = reply as unknown[];
  return {
    recovered: integerReply(recovered),
    dead: dead.map((notice) => {
      const [id, name, attempts, queue, parentId] = JSON.parse(String(notice));
      return { id, name, attempts, parent: parentId ? { queue, id: parentId } : undefined };
    }),
  };
}
