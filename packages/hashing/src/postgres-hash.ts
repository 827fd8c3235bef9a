import { highHalf, lowHalf, toInt64 } from "./int64.ts";
import type { Key } from "./key.ts";
import {
  lookup3,
  lookup3Bytes,
  lookup3High,
  lookup3Low,
  lookup3Word,
  NO_SEED,
  type Seed,
} from "./lookup3.ts";
import { uuidBytes } from "./uuid.ts";

/**
 * PostgreSQL's own hash functions, bit for bit: an application that routes by them and a query that
 * filters by them agree on every row, so rows can be counted, moved and checked by bucket in SQL.
 *
 * The names are PostgreSQL's (`uuid_hash` as `uuidHash`). As there, the short ones return an int32,
 * the *extended* ones take a seed and return an int64, here a bigint. **For routing use the short
 * ones**: with seed 0 the low half of the long hash is the short hash, so without any BigInt
 *
 *     hashtext(key) & (buckets - 1)      // === hashtextextended(key, 0) & (buckets - 1) in SQL
 *
 * for every power of two up to 2^31; likewise `hashint4`, `hashint8` and `uuidHash`.
 *
 * It holds for servers on little-endian machines, with encoding UTF8, and for texts with a
 * deterministic collation (the default). PostgreSQL keeps these functions stable across versions
 * because hash partitions on disk depend on them, but does not promise it; our tests ask a live
 * server.
 *
 * Source: PostgreSQL, `src/backend/access/hash/hashfunc.c` and `src/backend/utils/adt/uuid.c`.
 */

/**
 * `hashtext(text)`; of bytes, `hashvarlena`'s 32 bits of a `bytea`.
 *
 * @param key text, as its UTF-8 bytes (a lone surrogate as U+FFFD), or bytes. PostgreSQL itself
 *   refuses texts with a lone surrogate or with U+0000.
 * @returns an int32: `hashtext("user:123") === 735365154`.
 * @throws TypeError when `key` is neither a string nor bytes.
 */
export function hashtext(key: Key): number {
  lookup3(key, NO_SEED);
  return lookup3Low();
}

/**
 * `hashtextextended(text, seed)`.
 *
 * @param key as for {@link hashtext}.
 * @param seed an int64; as a number only up to 2^53.
 * @returns an int64: `hashtextextended("user:123", 0) === 1433892716748785698n`.
 * @throws TypeError when `key` or `seed` is of another type; RangeError when `seed` is no int64.
 */
export function hashtextextended(key: Key, seed: bigint | number = 0): bigint {
  lookup3(key, seedOf(seed));
  return result();
}

/**
 * `hashint4(integer)`.
 *
 * @returns an int32.
 * @throws TypeError when `value` is no number; RangeError when it is no int32.
 */
export function hashint4(value: number): number {
  lookup3Word(requireInt4(value), NO_SEED);
  return lookup3Low();
}

/**
 * `hashint4extended(integer, seed)`.
 *
 * @returns an int64.
 * @throws as {@link hashint4} and {@link hashtextextended}.
 */
export function hashint4extended(value: number, seed: bigint | number = 0): bigint {
  lookup3Word(requireInt4(value), seedOf(seed));
  return result();
}

/**
 * `hashint8(bigint)`. Equal to {@link hashint4} where the value is an int4.
 *
 * @param value an int64; as a number only up to 2^53, beyond which numbers are rounded. The client
 *   `pg` gives int8 as text: pass `BigInt(text)`.
 * @returns an int32: `hashint8(42) === 1509752520`.
 * @throws TypeError when `value` is neither a number nor a bigint; RangeError when it is no int64.
 */
export function hashint8(value: bigint | number): number {
  lookup3Word(foldInt8(value), NO_SEED);
  return lookup3Low();
}

/**
 * `hashint8extended(bigint, seed)`.
 *
 * @returns an int64: `hashint8extended(42, 0) === 8010225493015854792n`.
 * @throws as {@link hashint8} and {@link hashtextextended}.
 */
export function hashint8extended(value: bigint | number, seed: bigint | number = 0): bigint {
  lookup3Word(foldInt8(value), seedOf(seed));
  return result();
}

/**
 * `uuid_hash(uuid)`.
 *
 * @param uuid as PostgreSQL prints it, in either case: `a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11`.
 * @returns an int32.
 * @throws TypeError when `uuid` is no string; RangeError when it has another form.
 */
export function uuidHash(uuid: string): number {
  lookup3Bytes(uuidBytes(uuid), 16, NO_SEED);
  return lookup3Low();
}

/**
 * `uuid_hash_extended(uuid, seed)`.
 *
 * @returns an int64.
 * @throws as {@link uuidHash} and {@link hashtextextended}.
 */
export function uuidHashExtended(uuid: string, seed: bigint | number = 0): bigint {
  lookup3Bytes(uuidBytes(uuid), 16, seedOf(seed));
  return result();
}

function result(): bigint {
  return toInt64(lookup3Low(), lookup3High());
}

function seedOf(seed: bigint | number): Seed {
  if (seed === 0) return NO_SEED;
  requireInt8("A seed", seed);
  return { low: lowHalf(seed), high: highHalf(seed) };
}

/** Folds 64 bits into 32 so that an int8 has the hash of the int4 or int2 of the same value. */
function foldInt8(value: bigint | number): number {
  requireInt8("An int8", value);
  const high = highHalf(value);
  return lowHalf(value) ^ (high < 0 ? ~high : high);
}

function requireInt4(value: number): number {
  if (typeof value !== "number")
    throw new TypeError(`An int4 must be a number, got ${typeof value}`);
  if ((value | 0) !== value) {
    throw new RangeError(`An int4 must be an integer from -2^31 to 2^31 - 1, got ${value}`);
  }
  return value;
}

const MIN_INT8 = -(2n ** 63n);
const MAX_INT8 = 2n ** 63n - 1n;

function requireInt8(what: string, value: bigint | number): void {
  if (typeof value === "number") {
    if (Number.isSafeInteger(value)) return;
    throw new RangeError(
      `${what} must be an integer, beyond 2^53 a bigint, got the number ${value}`,
    );
  }
  if (typeof value !== "bigint") {
    throw new TypeError(`${what} must be a number or a bigint, got ${typeof value}`);
  }
  if (value < MIN_INT8 || value > MAX_INT8) {
    throw new RangeError(`${what} must be an integer from -2^63 to 2^63 - 1, got ${value}`);
  }
}
