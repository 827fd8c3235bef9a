export type { Capabilities, FullCapabilities } from "./capabilities.ts";
export type {
  Claim,
  ClaimedJob,
  ClaimRequest,
  DeadNotice,
  DeadReason,
  DedupRule,
  DriverEvent,
  Enqueued,
  EnqueueOptions,
  Failure,
  JobHeaders,
  Keep,
  Lease,
  LeaseState,
  NewJob,
  ParentRef,
  QueueDriver,
  QueueLimits,
  QueueSettings,
  QueueStats,
  Rate,
  Retention,
  Settled,
  Settlement,
  SettleOptions,
  SettleOutcome,
  Subscription,
  Swept,
  Verdict,
} from "./driver.ts";
export type {
  ChildOutcome,
  Flows,
  JobAdmin,
  JobPage,
  JobRecord,
  JobState,
  PastFailure,
  Schedules,
} from "./driver-powers.ts";
export { driverFailed, QueueError, type QueueErrorCode } from "./errors.ts";
export {
  type MemoryDriver,
  type MemoryDriverOptions,
  memoryDriver,
} from "./memory/memory-driver.ts";
export type { MemoryServer, MemoryServerOptions } from "./memory/memory-server.ts";
export type { CapabilitiesLike, MemoryCapabilities } from "./memory/supported.ts";
