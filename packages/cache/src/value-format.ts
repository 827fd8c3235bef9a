/**
 * An entry as the bytes that a store keeps, and back.
 *
 *     1  version of this layout
 *     1  id of the codec
 *     1  flags: has a validator, is known to be absent, is compressed, is encrypted
 *     …  header (`entry-header.ts`)  ┐ in one piece encrypted,
 *     …  value, by the codec         ┘ if that is configured
 *
 * Decoding never throws: another version, another codec, an unknown secret, bytes that were cut or
 * changed all give undefined, which is a miss. With encryption what is decoded is what was encoded
 * for that key; without it, whoever can write to the store decides. Where encryption is configured
 * what is not encrypted is a miss as well, or it could be slipped in.
 *
 * "Known to be absent" is a flag and not a value, so it differs from `null`.
 */

import { requireCount, requireKnownOptions, requireMethods } from "@headroom/core/options";
import type { Codec } from "./codec.ts";
import { structuredCodec } from "./codecs/structured.ts";
import {
  type Compression,
  type CompressionOptions,
  createCompression,
  decompress,
} from "./compression.ts";
import { createEncryption, type Encryption, type EncryptionOptions } from "./encryption.ts";
import { PlannedHeader, readHeader } from "./entry-header.ts";
import { CacheValueTooLargeError } from "./errors.ts";
import type { CacheEntry } from "./local-entry.ts";

/** The option `format` of `createCache`. */
export interface ValueFormatOptions {
  /** @default structuredCodec() */
  readonly codec?: Codec | undefined;
  /**
   * Compresses values of 4 KiB and more, or another size; `false` none.
   * @default {}
   */
  readonly compression?: CompressionOptions | false | undefined;
  /** @default none */
  readonly encryption?: EncryptionOptions | undefined;
  /**
   * Larger values are refused, before compression.
   * @default 1 MiB
   */
  readonly maxValueBytes?: number | undefined;
}

export interface ValueFormat {
  /**
   * @param key the complete key it is stored under.
   * @throws CacheValueError when the codec cannot keep the value.
   * @throws CacheValueTooLargeError when it has more than `maxValueBytes`.
   */
  encode(key: string, entry: CacheEntry): Uint8Array;
  /** Undefined: these bytes are no entry of this key and format. Never throws. */
  decode(key: string, bytes: Uint8Array): CacheEntry | undefined;
}

const VERSION = 1;
const OPENING_BYTES = 3;
const HAS_VALIDATOR = 1;
const IS_ABSENT = 2;
const IS_COMPRESSED = 4;
const IS_ENCRYPTED = 8;

/** @throws TypeError or RangeError when an option is unknown or out of its range. */
export function createValueFormat(options: ValueFormatOptions = {}): ValueFormat {
  requireKnownOptions("format", options, ["codec", "compression", "encryption", "maxValueBytes"]);
  const { codec = structuredCodec(), compression = {}, encryption } = options;
  return new Format({
    codec: requireCodec(codec),
    compression: compression === false ? undefined : createCompression(compression),
    encryption: encryption && createEncryption(encryption),
    maxValueBytes: requireCount("format.maxValueBytes", options.maxValueBytes ?? 2 ** 20),
  });
}

interface Parts {
  readonly codec: Codec;
  readonly compression: Compression | undefined;
  readonly encryption: Encryption | undefined;
  readonly maxValueBytes: number;
}

class Format implements ValueFormat {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  encode(key: string, entry: CacheEntry): Uint8Array {
    const { codec, compression, encryption } = this.#parts;
    const isAbsent = entry.value === undefined;
    const plain = isAbsent ? NOTHING : this.#limited(codec.encode(entry.value));
    const compressed = compression?.compress(plain);
    const value = compressed ?? plain;
    const header = new PlannedHeader(entry);
    const bytes = Buffer.allocUnsafe(OPENING_BYTES + header.size + value.length);
    bytes[0] = VERSION;
    bytes[1] = codec.id;
    bytes[2] =
      (entry.validator === undefined ? 0 : HAS_VALIDATOR) |
      (isAbsent ? IS_ABSENT : 0) |
      (compressed === undefined ? 0 : IS_COMPRESSED) |
      (encryption === undefined ? 0 : IS_ENCRYPTED);
    header.write(bytes, OPENING_BYTES);
    bytes.set(value, OPENING_BYTES + header.size);
    return encryption === undefined ? bytes : encrypted(encryption, key, bytes);
  }

  decode(key: string, bytes: Uint8Array): CacheEntry | undefined {
    try {
      return this.#decoded(key, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    } catch {
      // What codecs and inflate throw at bytes that are not theirs. The caller counts it.
      return undefined;
    }
  }

  #decoded(key: string, stored: Buffer): CacheEntry | undefined {
    const { codec, encryption } = this.#parts;
    const flags = stored[2] ?? 0;
    if (stored[0] !== VERSION || stored[1] !== codec.id) return undefined;
    if (isSet(flags, IS_ENCRYPTED) !== (encryption !== undefined)) return undefined;
    const bytes = encryption === undefined ? stored : decrypted(encryption, key, stored);
    const read = bytes && readHeader(bytes, OPENING_BYTES, isSet(flags, HAS_VALIDATOR));
    if (bytes === undefined || read === undefined) return undefined;
    const value = this.#value(bytes.subarray(read.end), flags);
    if (value === undefined && !isSet(flags, IS_ABSENT)) return undefined;
    return { value, ...read.header };
  }

  #value(bytes: Buffer, flags: number): unknown {
    if (isSet(flags, IS_ABSENT)) return undefined;
    const { codec, maxValueBytes } = this.#parts;
    if (isSet(flags, IS_COMPRESSED)) return codec.decode(decompress(bytes, maxValueBytes));
    return bytes.length > maxValueBytes ? undefined : codec.decode(bytes);
  }

  #limited(bytes: Uint8Array): Uint8Array {
    const { maxValueBytes } = this.#parts;
    if (bytes.length > maxValueBytes) {
      throw new CacheValueTooLargeError(bytes.length, maxValueBytes);
    }
    return bytes;
  }
}

const NOTHING = new Uint8Array(0);

function isSet(flags: number, flag: number): boolean {
  return (flags & flag) !== 0;
}

/** The opening stays readable, and is bound to the rest together with the key. */
function encrypted(encryption: Encryption, key: string, bytes: Buffer): Buffer {
  const opening = bytes.subarray(0, OPENING_BYTES);
  const rest = encryption.encrypt(bytes.subarray(OPENING_BYTES), boundTo(opening, key));
  return Buffer.concat([opening, rest]);
}

function decrypted(encryption: Encryption, key: string, bytes: Buffer): Buffer | undefined {
  const opening = bytes.subarray(0, OPENING_BYTES);
  const rest = encryption.decrypt(bytes.subarray(OPENING_BYTES), boundTo(opening, key));
  return rest && Buffer.concat([opening, rest]);
}

function boundTo(opening: Buffer, key: string): Buffer {
  return Buffer.concat([opening, Buffer.from(key, "utf16le")]);
}

function requireCodec(codec: Codec): Codec {
  requireMethods("format.codec", codec, ["encode", "decode"]);
  const id = requireCount("format.codec.id", codec.id);
  if (id > 127) throw new RangeError(`format.codec.id must be an integer from 1 to 127, got ${id}`);
  return codec;
}
