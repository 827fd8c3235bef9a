export { type Autoscaler, createAutoscaler } from "./autoscale/autoscaler.ts";
export type {
  AutoscalerOptions,
  ScalableQueue,
  ScalableWorker,
} from "./autoscale/autoscaler-options.ts";
export {
  desiredWorkers,
  type QueueDemand,
  type ScaleLimits,
  type ScaleSignals,
  type ScaleTarget,
  workersNeeded,
} from "./autoscale/desired-workers.ts";
export type { Capabilities, FullCapabilities } from "./capabilities.ts";
export type { Emulation } from "./capability-check.ts";
export {
  type AnyDefinition,
  type DataOf,
  type Definition,
  type DefinitionOptions,
  defineQueue,
  type Feature,
  type KeepOptions,
  type LimitOptions,
  type RetryOptions,
  type TypesOf,
} from "./definition.ts";
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
export {
  AddManyError,
  driverFailed,
  QueueError,
  type QueueErrorCode,
} from "./errors.ts";
export type { FamilyOf, LinkedQueues } from "./flow/families.ts";
export type { ChildOptions, FlowChild, FlowOptions } from "./flow/flow-node.ts";
export {
  type BatchFunction,
  type BatchHandler,
  type BatchJob,
  batch,
  type ChildResult,
  type Handler,
  type Job,
  type JobContext,
  type JobMiddleware,
  RetryAfterError,
  UnrecoverableError,
} from "./job.ts";
export {
  type MemoryDriver,
  type MemoryDriverOptions,
  memoryDriver,
} from "./memory/memory-driver.ts";
export type { MemoryServer, MemoryServerOptions } from "./memory/memory-server.ts";
export type { CapabilitiesLike, MemoryCapabilities } from "./memory/supported.ts";
export type { AddCall, Added, Adding, AddMiddleware, AnyAddOptions } from "./producer.ts";
export type {
  DeadLetters,
  JobInfo,
  JobInfoPage,
  ListOptions,
  QueueAdmin,
} from "./queue-admin.ts";
export {
  type AddAndWait,
  type BulkJob,
  type CallOptions,
  type JobOptions,
  job,
  type QueueBasics,
  type QueueOf,
} from "./queue-client.ts";
export { createQueues, type Handlers, type Queues, type QueuesOptions } from "./queues.ts";
export type {
  CronTiming,
  IntervalTiming,
  ScheduledTick,
  ScheduleOptions,
  ScheduleTiming,
} from "./schedule/schedule-options.ts";
export type { Scheduling } from "./schedule/scheduled-queue.ts";
export { type Issue, QueueInvalidError } from "./schema.ts";
export type { TraceContext } from "./trace-context.ts";
export type { WorkerHealth } from "./worker/health.ts";
export type { WorkerCounts } from "./worker/reporter.ts";
export type { StopOptions, Worker } from "./worker/worker.ts";
export type { WorkerOptions } from "./worker/worker-options.ts";
