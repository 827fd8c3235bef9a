export { memoryBus } from "./memory-bus.ts";
export {
  type MemoryLink,
  type MemoryOperation,
  type MemoryStoreOptions,
  type MemoryStoreProvider,
  memoryStore,
} from "./memory-store.ts";
export {
  type ConformanceCase,
  type ConformanceSetup,
  storeConformance,
} from "./store-conformance.ts";
