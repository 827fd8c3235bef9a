export { type BoundedLoadOptions, locateBounded } from "./bounded-load.ts";
export {
  type Buckets,
  type BucketsJson,
  type BucketsOptions,
  bucketsFromJson,
  createBuckets,
} from "./buckets.ts";
export { jump, jumpOfHalves } from "./jump.ts";
export {
  createKetama,
  type Ketama,
  type KetamaDialect,
  type KetamaJson,
  type KetamaOptions,
  type KetamaRange,
  ketamaFromJson,
  ketamaHash,
} from "./ketama.ts";
export type { Key } from "./key.ts";
export {
  createMaglev,
  type Maglev,
  type MaglevJson,
  type MaglevOptions,
  maglevFromJson,
} from "./maglev.ts";
export { murmur3 } from "./murmur3.ts";
export type { NodeJson, PlacementNode, PlacementObject, RestoreOptions } from "./node.ts";
export {
  hashint4,
  hashint4extended,
  hashint8,
  hashint8extended,
  hashtext,
  hashtextextended,
  uuidHash,
  uuidHashExtended,
} from "./postgres-hash.ts";
export { redisSlot } from "./redis-slot.ts";
export {
  createRendezvous,
  type Rendezvous,
  type RendezvousJson,
  rendezvousFromJson,
} from "./rendezvous.ts";
export {
  createRing,
  type Ring,
  type RingJson,
  type RingOptions,
  type RingRange,
  ringFromJson,
} from "./ring.ts";
export { diffRings, type RangeMove, type RangePlacement, type RingDiff } from "./ring-diff.ts";
export {
  type BucketMove,
  diffBuckets,
  diffMaglev,
  type EntryMove,
  type TableDiff,
  type TableMove,
  type TablePlacement,
} from "./table-diff.ts";
export { xxh32 } from "./xxh32.ts";
export { xxh64, xxh64Halves } from "./xxh64.ts";
