export type { AdHocOptions } from "./ad-hoc.ts";
export type { BusListener, BusMessage, BusProvider, CacheBus } from "./bus.ts";
export { type Cache, type CacheStats, createCache } from "./cache.ts";
export type { CacheOptions } from "./cache-options.ts";
export type { Codec } from "./codec.ts";
export { type JsonCodecOptions, jsonCodec } from "./codecs/json.ts";
export { structuredCodec } from "./codecs/structured.ts";
export type { CompressionOptions } from "./compression.ts";
export type { Definition, GetOptions, InvalidateOptions, SetOptions } from "./definition.ts";
export type { DefinitionOptions } from "./definition-options.ts";
export type { EncryptionKey, EncryptionOptions } from "./encryption.ts";
export {
  CacheClosedError,
  CacheLoadTimeoutError,
  CacheManyError,
  CacheStoreTimeoutError,
  CacheValueError,
  CacheValueTooLargeError,
} from "./errors.ts";
export type { LoadContext, StaleValue } from "./loading.ts";
export type { EvictionPolicy } from "./local-store.ts";
export type { LocalTierOptions } from "./local-tier-options.ts";
export type { InvalidationOutcome } from "./outcome.ts";
export type { Protection } from "./protect.ts";
export type { DefinitionStats } from "./stats.ts";
export type {
  CacheStore,
  Fill,
  LeaseReply,
  LeaseRequest,
  StoreContext,
  StoredBytes,
  StoreProvider,
  TagReading,
  Write,
} from "./store.ts";
export { CachePartitionError, CacheStoreError, CacheStorePartialError } from "./store-errors.ts";
export type { ValueFormatOptions } from "./value-format.ts";
export type { WrapOptions, Wrapped } from "./wrap.ts";
