export {
  checkEffectsLedger,
  type EffectsLedgerResult,
  type LedgerLine,
} from "./checkers/effects-ledger.ts";
export { checkKeyOrder, type KeyOrderResult } from "./checkers/key-order.ts";
export { checkSetFull, type SetFullOptions, type SetFullResult } from "./checkers/set-full.ts";
export { checkTotalQueue, type TotalQueueResult } from "./checkers/total-queue.ts";
export { choosePlace } from "./choose-place.ts";
export { classifyError } from "./classify-error.ts";
export type { Endpoint } from "./endpoint.ts";
export { eventually } from "./eventually.ts";
export type { Direction } from "./fault-lane.ts";
export type { FaultLink, LinkStats } from "./fault-link.ts";
export { FaultProxy } from "./fault-proxy.ts";
export type { HttpBackendStats } from "./http-backend-protocol.ts";
export type { HttpBehaviour, HttpScript } from "./http-behaviour.ts";
export {
  type HttpBackend,
  type HttpFleet,
  type HttpFleetOptions,
  startHttpFleet,
} from "./http-fleet.ts";
export { npmPackage } from "./npm-binaries.ts";
export type { History, Operation } from "./operation.ts";
export { percentile } from "./percentile.ts";
export {
  type PostgresCluster,
  type PostgresClusterOptions,
  startPostgres,
} from "./postgres-cluster.ts";
export type { PostgresNode } from "./postgres-node.ts";
export { createRecorder, Recorder } from "./recorder.ts";
export {
  type RedisClusterOptions,
  type RedisClusterSet,
  startRedisCluster,
} from "./redis-cluster.ts";
export type { RedisNode } from "./redis-node.ts";
export { type RedisOptions, type RedisReplicaSet, startRedis } from "./redis-replica-set.ts";
export {
  type RedisSentinelOptions,
  RedisSentinelSet,
  startRedisSentinel,
} from "./redis-sentinel.ts";
export { type Seed, testSeed } from "./seed.ts";
export type { ServerNode } from "./server-node.ts";
export { type Servers, useServers } from "./use-servers.ts";
