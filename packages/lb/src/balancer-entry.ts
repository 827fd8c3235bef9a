export type { ActiveCheckOptions } from "./active-check.ts";
export {
  type AcquireOptions,
  type Balancer,
  createBalancer,
  type PickOptions,
} from "./balancer.ts";
export type {
  BalancerHealthOptions,
  BalancerOptions,
  BalancerRetryOptions,
  LatencyOptions,
  SuccessRateOptions,
} from "./balancer-options.ts";
export type { BalancerStats, TargetStats } from "./balancer-stats.ts";
export { type DnsTargetsOptions, dnsTargets } from "./discovery/dns.ts";
export type { DnsAddress } from "./discovery/dns-options.ts";
export {
  type PolledTargetsOptions,
  polledTargets,
  type TargetFeed,
  targetFeed,
} from "./discovery/feed.ts";
export { mapDiscovery } from "./discovery/map-discovery.ts";
export { type SrvTargetsOptions, srvTargets } from "./discovery/srv.ts";
export type { Discovery, DiscoveryFailure, DiscoveryUpdate } from "./discovery.ts";
export { LbError, type LbErrorCode } from "./errors.ts";
export type { HedgeOptions } from "./hedge.ts";
export type { Lease } from "./lease.ts";
export { ABANDONED, FAILED, type Outcome, REFUSED, SUCCESS } from "./outcome.ts";
export { type BoundedRingOptions, boundedRing } from "./policies/bounded-ring.ts";
export { leastInFlight } from "./policies/least-in-flight.ts";
export { maglev } from "./policies/maglev.ts";
export { p2c } from "./policies/p2c.ts";
export { p2cEwma } from "./policies/p2c-ewma.ts";
export type { PolicyName } from "./policies/policy-by-name.ts";
export type { PolicyOptions } from "./policies/policy-options.ts";
export { random } from "./policies/random.ts";
export { rendezvous } from "./policies/rendezvous.ts";
export { ring } from "./policies/ring.ts";
export { roundRobin } from "./policies/round-robin.ts";
export { smoothWeightedRoundRobin } from "./policies/smooth-weighted-round-robin.ts";
export type { Candidate, Picker, PickRequest, Policy } from "./policy.ts";
export {
  type ConnectionAttempt,
  type ConnectionWork,
  type PooledBalancer,
  type PooledStats,
  pooled,
} from "./pooled.ts";
export type { PooledOptions } from "./pooled-options.ts";
export type { RunOptions, Work, WorkAttempt } from "./run.ts";
export type { TargetOptions } from "./target.ts";
