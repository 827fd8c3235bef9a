/**
 * Every channel of every Headroom package, made once.
 *
 * This is the contract between the packages, which publish, and whoever measures them: the name,
 * when a message comes, and each field with its unit. Operations may be subscribed to with
 * `tracingChannel(name)`, events with `subscribe(name, …)` of `node:diagnostics_channel`, or both,
 * typed, with `subscribe` here.
 *
 * Fields are fit to be labels of a metric: names come from the application's configuration, all
 * else from closed sets. No key, value, user, session or job is in them. Fields that are known only
 * while the operation runs are optional and set before it ends.
 */

import {
  createEventChannel,
  createOperationChannel,
  type EventChannel,
  type OperationChannel,
} from "./channel.ts";
import type { Health } from "./health.ts";

export type {
  EventChannel,
  OperationChannel,
  OperationHandlers,
  Traced,
  Unsubscribe,
} from "./channel.ts";

/** Something that happened, with the wall time in milliseconds since the epoch. */
export interface TimedEvent {
  readonly atMs: number;
}

/** A request through a load balancer, with all its attempts. */
export interface LbRequest {
  /** The balancer's configured name. */
  readonly pool: string;
  /** The HTTP method; absent for other protocols. */
  readonly method?: string;
  /** The backend of the last attempt, as configured: `"10.0.0.1:3000"`. */
  backend?: string;
  /** The HTTP status of the answer. */
  statusCode?: number;
  /** How many backends were tried; 1 without a retry. */
  attempts?: number;
}
export const lbRequest: OperationChannel<LbRequest> = createOperationChannel("headroom.lb.request");

/** One attempt of a request at one backend. */
export interface LbAttempt {
  readonly pool: string;
  readonly backend: string;
  /** 1 for the first. */
  readonly attempt: number;
  /** Whether it was sent beside one that was slow to answer. */
  readonly hedge: boolean;
  statusCode?: number;
  outcome?: "success" | "failure" | "throttled" | "abandoned";
}
export const lbAttempt: OperationChannel<LbAttempt> = createOperationChannel("headroom.lb.attempt");

/** A request was to be tried again, or not, after an attempt that failed. */
export interface LbRetry extends TimedEvent {
  readonly pool: string;
  /** The backend that failed. */
  readonly backend: string;
  /** Why there was another attempt, or why not. */
  readonly decision:
    | "retried"
    | "hedged"
    | "not-repeatable"
    | "attempts-exhausted"
    | "budget-exhausted"
    | "no-other-target"
    | "no-time-left"
    | "answer-begun";
}
export const lbRetry: EventChannel<LbRetry> = createEventChannel("headroom.lb.retry");

/** A request was turned away before it was sent anywhere. */
export interface LbRejected extends TimedEvent {
  readonly pool: string;
  readonly reason: "no-target" | "overloaded" | "queue-timeout" | "bad-request" | "closed";
}
export const lbRejected: EventChannel<LbRejected> = createEventChannel("headroom.lb.rejected");

/** So few backends of a priority are healthy that health is ignored from now on, or no longer. */
export interface LbPanic extends TimedEvent {
  readonly pool: string;
  readonly priority: number;
  readonly panic: boolean;
}
export const lbPanic: EventChannel<LbPanic> = createEventChannel("headroom.lb.panic");

/** A backend of a load balancer has changed its health, joined or left. */
export interface LbBackend extends TimedEvent {
  readonly pool: string;
  readonly backend: string;
  readonly from: Health["status"] | "absent";
  readonly to: Health["status"] | "absent";
  /** Which rule or whose order decided. */
  readonly reason:
    | "consecutive-failures"
    | "success-rate"
    | "probe-started"
    | "probe-failed"
    | "probe-succeeded"
    | "drained"
    | "resumed"
    | "joined"
    | "left";
}
export const lbBackend: EventChannel<LbBackend> = createEventChannel("headroom.lb.backend");

/** The targets could not be found out; the last ones known stay in use. */
export interface LbDiscovery extends TimedEvent {
  readonly pool: string;
  /** How the discovery failed: an error's code, such as `"ESERVFAIL"`. */
  readonly code: string;
}
export const lbDiscovery: EventChannel<LbDiscovery> = createEventChannel("headroom.lb.discovery");

/** A read through the cache, with the load if there was one. */
export interface CacheGet {
  /** The name of the cache definition. */
  readonly cache: string;
  result?: "hit" | "stale" | "miss";
  /** Where a hit was found: in the process or in the shared store. */
  tier?: "l1" | "l2";
  /** Whether it waited for a load that another caller had started. */
  coalesced?: boolean;
}
export const cacheGet: OperationChannel<CacheGet> = createOperationChannel("headroom.cache.get");

/** A call of the application's loader. */
export interface CacheLoad {
  readonly cache: string;
}
export const cacheLoad: OperationChannel<CacheLoad> = createOperationChannel("headroom.cache.load");

/** The cache answered in a worse way than it is meant to. */
export interface CacheDegraded extends TimedEvent {
  readonly cache: string;
  readonly reason: /** A value past its time, while it is loaded again or because that failed. */
    | "stale-served"
    | "l2-timeout"
    | "l2-error"
    /** Not asked: its circuit is open. */
    | "l2-skipped"
    /** Messages of other processes may have been missed: all copies are dropped. */
    | "invalidation-gap"
    /** An invalidation did not reach the store and will be tried again. */
    | "invalidation-queued"
    /** The cache was closed before they could be: old values live until their time is over. */
    | "invalidation-lost"
    /** Invalidated during its load, so what was loaded was not stored. */
    | "fill-refused"
    | "value-undecodable"
    | "value-too-large"
    | "value-unsupported";
}
export const cacheDegraded: EventChannel<CacheDegraded> =
  createEventChannel("headroom.cache.degraded");

/** What a database node is at the moment. */
export type DatabaseRole = "primary" | "replica" | "unknown";

/** A query through the replica router, with its retries. */
export interface ReplicaQuery {
  /** The router's configured name. */
  readonly pool: string;
  /** The node that answered, as configured. */
  node?: string;
  role?: DatabaseRole;
}
export const replicaQuery: OperationChannel<ReplicaQuery> =
  createOperationChannel("headroom.replica.query");

/** A database node was promoted, demoted, or is not known any more. */
export interface ReplicaRole extends TimedEvent {
  readonly pool: string;
  readonly node: string;
  readonly from: DatabaseRole;
  readonly to: DatabaseRole;
}
export const replicaRole: EventChannel<ReplicaRole> = createEventChannel("headroom.replica.role");

/** How far a replica is behind, each time it was measured. */
export interface ReplicaLag extends TimedEvent {
  readonly pool: string;
  readonly node: string;
  /** Undefined while nothing is known of the primary. */
  readonly lagMs: number | undefined;
  readonly lagBytes: number | undefined;
}
export const replicaLag: EventChannel<ReplicaLag> = createEventChannel("headroom.replica.lag");

/** Why a statement went where it went. */
export type ReplicaRouteReason =
  /** A read, on a replica. */
  | "read"
  | "write"
  | "volatile"
  /** Its text could not be understood well enough to call it a read. */
  | "unsure"
  /** It is inside of a transaction, or begins one. */
  | "transaction"
  /** It leaves something on its connection, or follows what does. */
  | "session"
  | "hint"
  /** No replica is known to have replayed what the session has written or seen. */
  | "token-behind"
  | "lagging"
  | "no-replica"
  /** `consistency: "strong"`. */
  | "strong"
  /** A replica has refused what looked like a read. */
  | "misrouted";

/** Where a statement was sent and why; a read that went to the primary shows here. */
export interface ReplicaRoute extends TimedEvent {
  readonly pool: string;
  readonly node: string;
  readonly role: DatabaseRole;
  readonly kind: "read" | "write" | "session" | "begin";
  readonly reason: ReplicaRouteReason;
  /** How far behind the replica was known to be. */
  readonly lagMs?: number | undefined;
  /** How long it waited for a replica to catch up. */
  readonly waitedMs: number;
}
export const replicaRoute: EventChannel<ReplicaRoute> =
  createEventChannel("headroom.replica.route");

/** A query to one or several shards. */
export interface ShardQuery {
  /** The configured name of the shard map. */
  readonly map: string;
  /** The shard, when it is one. */
  shard?: string;
  /** How many shards were asked. */
  fanout?: number;
}
export const shardQuery: OperationChannel<ShardQuery> =
  createOperationChannel("headroom.shard.query");

/** This process goes by another version of the shard map from now on. */
export interface ShardMap extends TimedEvent {
  readonly map: string;
  readonly version: number;
}
export const shardMap: EventChannel<ShardMap> = createEventChannel("headroom.shard.map");

/** A session was asked for. */
export interface SessionLoad {
  /** The configured name of the store. */
  readonly store: string;
}
export const sessionLoad: OperationChannel<SessionLoad> =
  createOperationChannel("headroom.session.load");

/** A session was written back at the end of a request. */
export interface SessionCommit {
  readonly store: string;
  /** `gone`: destroyed in the meantime. `conflict`: another request changed the same field. */
  result?: "ok" | "gone" | "conflict";
}
export const sessionCommit: OperationChannel<SessionCommit> =
  createOperationChannel("headroom.session.commit");

/** Jobs were handed to a queue. */
export interface QueueEnqueue {
  readonly queue: string;
  /** The name of their definition. */
  readonly name: string;
  /** The driver's engine: `"redis"`, `"postgresql"`. */
  readonly system: string;
  /** How many in one call. */
  readonly jobs: number;
  /** How many of them were not added, because a living job has their key or id. */
  duplicates?: number;
}
export const queueEnqueue: OperationChannel<QueueEnqueue> =
  createOperationChannel("headroom.queue.enqueue");

/** One attempt of a worker at a job, or at a batch of them. */
export interface QueueProcess {
  readonly queue: string;
  readonly name: string;
  readonly system: string;
  /** 1 the first time; of a batch, the highest. */
  readonly attempt: number;
  /** From ready to claimed; of a batch, the longest. */
  readonly waitedMs: number;
  /** 1, or the size of the batch. */
  readonly jobs: number;
  /** Absent for a batch, whose jobs have one each. */
  outcome?: "done" | "retried" | "dead" | "released" | "lost" | "cancelled";
}
export const queueProcess: OperationChannel<QueueProcess> =
  createOperationChannel("headroom.queue.process");

/** A job was given up and put aside. */
export interface QueueDead extends TimedEvent {
  readonly queue: string;
  readonly name: string;
  readonly system: string;
  readonly attempts: number;
  readonly reason:
    | "attempts-exhausted"
    | "unrecoverable"
    | "lease-expired"
    | "timeout"
    | "invalid"
    | "unknown-name"
    | "child-dead";
}
export const queueDead: EventChannel<QueueDead> = createEventChannel("headroom.queue.dead");

/** A tick of a schedule has come. Of all processes that have the schedule, one fires it. */
export interface QueueTick extends TimedEvent {
  readonly queue: string;
  readonly system: string;
  /**
   * `fired` by this process, `already` by another one. `missed`: found too late to be made good.
   * `invalid`: the application gave no fit data. `failed`: the server did not answer, and is asked again.
   */
  readonly outcome: "fired" | "already" | "missed" | "invalid" | "failed";
  /** After its time, by the server's clock. Undefined: not known, because there was no answer. */
  readonly lateMs: number | undefined;
}
export const queueTick: EventChannel<QueueTick> = createEventChannel("headroom.queue.tick");

/** What was read of a queue, by whoever scales it, each time it was. */
export interface QueueLoad extends TimedEvent {
  readonly queue: string;
  readonly ready: number;
  readonly delayed: number;
  readonly active: number;
  readonly held: number;
  readonly dead: number;
  /** How long the job has waited that is ready for longest; undefined when none is. */
  readonly oldestReadyMs: number | undefined;
  /** Jobs added and jobs ended, of late. Undefined before there are two readings. */
  readonly arrivalPerSecond: number | undefined;
  readonly servicePerSecond: number | undefined;
}
export const queueLoad: EventChannel<QueueLoad> = createEventChannel("headroom.queue.load");

/** A pool of workers grew or shrank, or should have. */
export interface QueueScale extends TimedEvent {
  /** The pool's configured name. */
  readonly pool: string;
  readonly from: number;
  readonly to: number;
  /** `start-failed`: a worker did not start. `unknown`: the queues could not be asked; all stays as it is. */
  readonly outcome: "scaled" | "start-failed" | "unknown";
}
export const queueScale: EventChannel<QueueScale> = createEventChannel("headroom.queue.scale");

/** A worker of a queue does not work as it should. */
export interface QueueDegraded extends TimedEvent {
  readonly queue: string;
  readonly system: string;
  /** How many jobs are concerned. */
  readonly jobs: number;
  readonly reason: /** The driver failed; it is asked again. */
    | "claim-failed"
    | "settle-failed"
    | "extend-failed"
    | "sweep-failed"
    /** Events do not arrive: jobs are found by asking. */
    | "subscription-failed"
    /** Another worker may have the job. */
    | "lease-lost"
    /** A handler ended after its job was no longer its own; what it returned was dropped. */
    | "late-result"
    /** A handler did not end after its signal had aborted; its place was given away. */
    | "handler-stuck"
    /** The end of an attempt could not be told before its lease was over: the job will come again. */
    | "settlement-dropped"
    /** Jobs whose worker had died, or hung, are ready again. */
    | "recovered";
  /** Of what failed, as the client or the server names it: `"ECONNREFUSED"`, `"42501"`. */
  readonly code: string | undefined;
}
export const queueDegraded: EventChannel<QueueDegraded> =
  createEventChannel("headroom.queue.degraded");

/** A transaction is open for so long that the tables of a queue cannot be vacuumed: it gets slower. */
export interface QueueVacuum extends TimedEvent {
  readonly queue: string;
  readonly system: string;
  /** How long the oldest transaction of the database has been open. */
  readonly transactionMs: number;
}
export const queueVacuum: EventChannel<QueueVacuum> = createEventChannel("headroom.queue.vacuum");
