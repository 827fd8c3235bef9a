export {
  type ModelScript,
  type QueueModelOptions,
  runQueueModel,
} from "./conformance/driver-model.ts";
export {
  describeQueueDriver,
  type QueueDriverCase,
  type QueueDriverSetup,
  queueDriverCases,
  type TestFramework,
} from "./driver-conformance.ts";
