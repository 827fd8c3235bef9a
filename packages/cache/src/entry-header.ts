/**
 * What is known of a value, in a few bytes before it.
 *
 *     32  sequence, storedAtMs, freshForMs, loadMs: doubles, all numbers little endian
 *      4  how many texts there are: the validator (or an empty text), then the tags
 *      4  how many bytes they take; the highest bit is set if they are UTF-16, else they are UTF-8
 *     4n  the length of each in UTF-16 units
 *      …  the texts, in one piece: reading one text is cheaper than reading several
 */

import type { CacheEntry } from "./local-entry.ts";

/** All of an entry but its value. */
export type EntryHeader = Omit<CacheEntry, "value">;

const FIXED_BYTES = 40;
const UTF16 = 2 ** 31;

/** A header whose size is known, ready to be written. */
export class PlannedHeader {
  /** How many bytes `write` writes. */
  readonly size: number;
  readonly #header: EntryHeader;
  readonly #text: string;
  readonly #encoding: "utf8" | "utf16le";
  readonly #textBytes: number;

  constructor(header: EntryHeader) {
    this.#header = header;
    this.#text = (header.validator ?? "") + header.tags.join("");
    // UTF-8 has no place for half of a surrogate pair, which a tag may contain.
    this.#encoding = HALF_PAIR.test(this.#text) ? "utf16le" : "utf8";
    this.#textBytes = Buffer.byteLength(this.#text, this.#encoding);
    this.size = FIXED_BYTES + 4 * (1 + header.tags.length) + this.#textBytes;
  }

  write(buffer: Buffer, from: number): void {
    const { sequence, storedAtMs, freshForMs, loadMs, validator, tags } = this.#header;
    buffer.writeDoubleLE(sequence, from);
    buffer.writeDoubleLE(storedAtMs, from + 8);
    buffer.writeDoubleLE(freshForMs, from + 16);
    buffer.writeDoubleLE(loadMs, from + 24);
    buffer.writeUInt32LE(1 + tags.length, from + 32);
    const mark = this.#encoding === "utf16le" ? UTF16 : 0;
    buffer.writeUInt32LE(mark + this.#textBytes, from + 36);
    let at = buffer.writeUInt32LE(validator?.length ?? 0, from + FIXED_BYTES);
    for (const tag of tags) at = buffer.writeUInt32LE(tag.length, at);
    buffer.write(this.#text, at, this.#encoding);
  }
}

/** @returns undefined when the bytes are no header. */
export function readHeader(
  buffer: Buffer,
  from: number,
  hasValidator: boolean,
): { readonly header: EntryHeader; readonly end: number } | undefined {
  if (buffer.length < from + FIXED_BYTES) return undefined;
  const count = buffer.readUInt32LE(from + 32);
  const marked = buffer.readUInt32LE(from + 36);
  const textAt = from + FIXED_BYTES + 4 * count;
  const end = textAt + (marked % UTF16);
  if (count === 0 || end > buffer.length) return undefined;
  const text = buffer.toString(marked < UTF16 ? "utf8" : "utf16le", textAt, end);
  const texts = split(text, buffer, from + FIXED_BYTES, count);
  if (texts === undefined) return undefined;
  const [validator, ...tags] = texts;
  const header: EntryHeader = {
    sequence: buffer.readDoubleLE(from),
    tags,
    storedAtMs: buffer.readDoubleLE(from + 8),
    freshForMs: buffer.readDoubleLE(from + 16),
    loadMs: buffer.readDoubleLE(from + 24),
    validator: hasValidator ? validator : undefined,
  };
  return isSound(header) ? { header, end } : undefined;
}

/** Cuts a text into pieces of the lengths found from `at` on; they must be all of it. */
function split(text: string, lengths: Buffer, at: number, count: number): string[] | undefined {
  const pieces: string[] = [];
  let start = 0;
  for (let index = 0; index < count; index++) {
    const end = start + lengths.readUInt32LE(at + 4 * index);
    if (end > text.length) return undefined;
    pieces.push(text.slice(start, end));
    start = end;
  }
  return start === text.length ? pieces : undefined;
}

/** Whether the numbers can be what was measured: garbage must not become an entry for ever. */
function isSound({ sequence, storedAtMs, freshForMs, loadMs }: EntryHeader): boolean {
  return (
    Number.isSafeInteger(sequence) && Number.isFinite(storedAtMs) && freshForMs >= 0 && loadMs >= 0
  );
}

const HALF_PAIR = /\p{Surrogate}/u;
