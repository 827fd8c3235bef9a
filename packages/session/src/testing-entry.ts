export { type FaultySessionStore, faultySessionStore, type StoreFault } from "./faulty-store.ts";
export {
  describeSessionStore,
  type SessionStoreCase,
  type SessionStoreSetup,
  sessionStoreCases,
  type TestFramework,
} from "./store-conformance.ts";
