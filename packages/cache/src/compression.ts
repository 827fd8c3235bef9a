/**
 * Large values take less room, and less time on the way, when they are compressed.
 *
 * Deflate at level 1, synchronously: for some kilobytes most of the time is setting up, and handing
 * them to a thread would take longer. That is also why small values are left alone.
 */

import { deflateRawSync, inflateRawSync } from "node:zlib";
import { requireCount, requireKnownOptions } from "@headroom/core/options";

export interface CompressionOptions {
  /**
   * Values smaller than this stay as they are.
   * @default 4096
   */
  readonly minBytes?: number | undefined;
}

export interface Compression {
  /** The compressed bytes; undefined when it is not worth it. */
  compress(bytes: Uint8Array): Uint8Array | undefined;
}

/** At least an eighth must be saved: what is read often is decompressed often. */
const LARGEST_RATIO = 7 / 8;

/** @throws TypeError or RangeError when an option is unknown or out of its range. */
export function createCompression(options: CompressionOptions = {}): Compression {
  requireKnownOptions("compression", options, ["minBytes"]);
  const minBytes = requireCount("compression.minBytes", options.minBytes ?? 4096, { min: 0 });
  return {
    compress(bytes) {
      if (bytes.length < minBytes) return undefined;
      const compressed = deflateRawSync(bytes, { level: 1 });
      return compressed.length <= bytes.length * LARGEST_RATIO ? compressed : undefined;
    },
  };
}

/**
 * @param maxBytes no more than these are made of it, whatever it claims.
 * @throws Error when it is not what `compress` gave, or would become more.
 */
export function decompress(bytes: Uint8Array, maxBytes: number): Uint8Array {
  return inflateRawSync(bytes, { maxOutputLength: maxBytes });
}
