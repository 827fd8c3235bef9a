export { type AuroraInstance, type AuroraOptions, aurora } from "./discovery/aurora.ts";
export { type PatroniMember, type PatroniOptions, patroni } from "./discovery/patroni.ts";
export { type ResolverOptions, resolver, type ServerResolver } from "./discovery/resolver.ts";
export {
  type StatReplicationOptions,
  type StreamingReplica,
  statReplication,
} from "./discovery/stat-replication.ts";
export type { Discovery, DiscoveryContext } from "./discovery.ts";
export { ReplicaError, type ReplicaErrorCode } from "./errors.ts";
export {
  createReplicaPool,
  type ReplicaPool,
  type ReplicaPoolExtras,
  type ReplicaSession,
} from "./pool/replica-pool.ts";
export type {
  MonitorSettings,
  ReplicaPoolOptions,
  ServerConfig,
  ServerExtras,
} from "./pool/replica-pool-options.ts";
export type { NodeStats, ReplicaPoolStats } from "./pool/routed-database.ts";
export type { TransactionOptions } from "./pool/transaction.ts";
export type { RouteDecision } from "./routing/route-log.ts";
export type { RouteHint } from "./sql/statement.ts";
export type { Engine } from "./topology/engine.ts";
