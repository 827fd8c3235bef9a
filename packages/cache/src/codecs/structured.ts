/**
 * The codec for everything that is plain data, as MessagePack with the extensions of msgpackr.
 *
 * It keeps what JSON does not: Date, Map, Set, BigInt of any size, Buffer and typed arrays,
 * `undefined`, NaN, -0, Infinity, cycles, and that two places hold the same object. What it could
 * not give back it refuses: functions, symbols, promises, weak collections, errors, regular
 * expressions and every other instance of a class, subclasses of the above, lists with holes, and
 * the keys `__proto__` and `__keys__`. (An error belongs to the load that failed: its stack and
 * fields mean nothing to another process.)
 *
 * What counts of an object is what `Object.keys` shows; so of a list, its members. An object
 * without a prototype comes back with the usual one, and a getter as the value it had.
 *
 * Bytes of unknown origin never become instances of classes and take time and memory in proportion
 * to their length; but they may become any plain data. Only encryption tells who wrote them.
 *
 * Layout: the value in MessagePack; or, if something must be amended, 0xc1 (which begins nothing in
 * MessagePack) and `[[value], container, key, amendment, …]`, an amendment being `null` for -0 or
 * the UTF-16 bytes of a text.
 */

import { Packr, Unpackr } from "msgpackr";
import type { Codec } from "../codec.ts";
import { hasKnownTokens } from "./msgpack-tokens.ts";
import { type Amendment, inspectPlainData } from "./plain-data.ts";

const AMENDED = 0xc1;

/** The default codec of values in the shared store. */
export function structuredCodec(): Codec {
  return new StructuredCodec();
}

class StructuredCodec implements Codec {
  readonly id = 1;
  /** Most values are trees, and packing those takes less when nobody looks for repeated objects. */
  readonly #trees = new Packr({ moreTypes: true, useToJSON: false });
  readonly #graphs = new Packr({ structuredClone: true, useToJSON: false });
  /** Copies buffers: a slice would keep the whole reply of the store in memory. */
  readonly #reader = new Unpackr({ structuredClone: true, copyBuffers: true });

  encode(value: unknown): Uint8Array {
    const holder: readonly [unknown] = [value];
    const { amendments, isGraph } = inspectPlainData(holder);
    if (amendments !== undefined) {
      const amended = this.#graphs.pack([holder, ...amendments.flatMap(packable)]);
      return Buffer.concat([Buffer.of(AMENDED), amended]);
    }
    return (isGraph ? this.#graphs : this.#trees).pack(value);
  }

  decode(bytes: Uint8Array): unknown {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (buffer[0] !== AMENDED) return this.#read(buffer);
    const [holder, ...amendments] = asList(this.#read(buffer.subarray(1)));
    for (let index = 0; index + 2 < amendments.length; index += 3) {
      amend(amendments[index], amendments[index + 1], amendments[index + 2]);
    }
    return asList(holder)[0];
  }

  #read(bytes: Buffer): unknown {
    if (!hasKnownTokens(bytes)) throw new SyntaxError("not bytes of the structured codec");
    let value: unknown;
    let end = 0;
    // `unpack` would put the value into its message, as JSON, if there were more bytes: that of a
    // few references to references has no end.
    this.#reader.unpackMultiple(bytes, (first, _start, position) => {
      value = first;
      end = position ?? 0;
      return false;
    });
    if (end !== bytes.length) throw new SyntaxError("bytes after the value");
    return value;
  }
}

/** The flat form of an amendment. */
function packable({ container, key, value }: Amendment): unknown[] {
  return [container, key, typeof value === "string" ? Buffer.from(value, "utf16le") : null];
}

/** Puts what `packable` noted in its place, if there is such a place: the bytes may be anybody's. */
function amend(container: unknown, key: unknown, amendment: unknown): void {
  const value = Buffer.isBuffer(amendment) ? amendment.toString("utf16le") : -0;
  if (container instanceof Map) {
    if (container.has(key)) container.set(key, value);
  } else if (typeof container === "object" && container !== null && isKey(key)) {
    if (Object.hasOwn(container, key)) Reflect.set(container, key, value);
  }
}

function isKey(key: unknown): key is string | number {
  return typeof key === "string" || typeof key === "number";
}

function asList(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new SyntaxError("not an amended value");
}
