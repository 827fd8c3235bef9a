/**
 * How a queue's name becomes keys of Redis.
 *
 *     hrq:{photos}            HASH    counters, and what the rate has used up
 *     hrq:{photos}:paused     there while the queue is paused
 *     hrq:{photos}:jobs       HASH    id → record (`redis-job-record.ts`), of every job there is
 *     hrq:{photos}:ready      LIST    ids that are ready, without key or priority
 *     hrq:{photos}:first      ZSET    ids that are ready with a priority above 0
 *     hrq:{photos}:keyed      ZSET    key NUL number NUL id, all with score 0: lexical order is the keys' order
 *     hrq:{photos}:ages       ZSET    the ids of the keyed that are ready, by since when
 *     hrq:{photos}:turns      ZSET    keys whose turn it is, by priority and by since when
 *     hrq:{photos}:later      ZSET    keys that have to wait for their rate, by until when
 *     hrq:{photos}:lanes      HASH    key → how many of its jobs are in flight
 *     hrq:{photos}:pace       ZSET    keys by when their rate allows the next start
 *     hrq:{photos}:delayed    ZSET    ids by when they are due
 *     hrq:{photos}:leases     ZSET    tokens by when they expire
 *     hrq:{photos}:revoked    ZSET    tokens of jobs that were cancelled, for ten minutes
 *     hrq:{photos}:held       ZSET    ids of parents that wait for their children
 *     hrq:{photos}:done|dead|cancelled  ZSET  ids that have ended and are kept, by when
 *     hrq:{photos}:ends       HASH    id → when and how it ended
 *     hrq:{photos}:past       HASH    id → its failed attempts
 *     hrq:{photos}:progress   HASH    id → its progress
 *     hrq:{photos}:dedup      HASH    dedup key → until when, and the id
 *     hrq:{photos}:flows      ZSET    parents of which something was reported, by when it is forgotten
 *     hrq:{photos}:flow:<id>  HASH    what the children of a parent have become
 *     hrq:{photos}:schedules  HASH    schedule → its last tick
 *     hrq:{photos}:wake       LIST    the marker: one element, if a process should look
 *     hrq:{photos}:events     channel
 *
 * The braces are a hash tag: a queue is in one slot of a Cluster, and a script may touch all of it.
 * Scripts are given the first key and derive the others, which costs less than twenty arguments do.
 */

import { requireText } from "@headroom/core/options";

export class RedisQueueKeys {
  /** What all keys of the queue begin with, and a key itself. */
  readonly base: string;
  readonly wake: string;
  readonly events: string;

  /** @param queue letters, digits, `.`, `_`, `-`: nothing that would end the hash tag. */
  constructor(prefix: string, queue: string) {
    this.base = `${prefix}:{${queue}}`;
    this.wake = `${this.base}:wake`;
    this.events = `${this.base}:events`;
  }
}

/** @throws TypeError or RangeError when `prefix` is empty or has a brace: it would be the hash tag. */
export function requireKeyPrefix(name: string, prefix: string): string {
  if (!/[{}]/.test(requireText(name, prefix))) return prefix;
  throw new RangeError(`${name} must be without braces, got ${JSON.stringify(prefix)}`);
}
