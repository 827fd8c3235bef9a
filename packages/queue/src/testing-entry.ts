export {
  describeQueueDriver,
  type QueueDriverCase,
  type QueueDriverSetup,
  queueDriverCases,
  type TestFramework,
} from "./driver-conformance.ts";
