/**
 * The codec for values that others read too: JSON, as UTF-8.
 *
 * JSON turns a Date into a text, a Map into `{}`, NaN into null, and says nothing. So a value that
 * would come back different is refused: a reader of the process's copy must not see another value
 * than one of the shared store. A property that is `undefined` is left out, since reading it gives
 * the same; that two places hold the same object is forgotten.
 */

import { requireKnownOptions } from "@headroom/core/options";
import type { Codec } from "../codec.ts";
import { CacheValueError } from "../errors.ts";
import { kindOf, pathText } from "./value-path.ts";

export interface JsonCodecOptions {
  /**
   * Takes everything that `JSON.stringify` takes: a Date becomes a text, a Map `{}`, NaN null.
   * @default false
   */
  readonly lossy?: boolean | undefined;
}

/** @throws TypeError when an option is unknown. */
export function jsonCodec(options: JsonCodecOptions = {}): Codec {
  requireKnownOptions("jsonCodec", options, ["lossy"]);
  const { lossy = false } = options;
  if (typeof lossy !== "boolean") throw new TypeError("lossy must be a boolean");
  return {
    id: 2,
    encode(value) {
      if (!lossy) requireJson(value, []);
      return Buffer.from(stringify(value));
    },
    decode: (bytes) =>
      JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()),
  };
}

/** Deeper than this it is taken for a cycle. */
const DEEPEST = 1000;

function requireJson(value: unknown, path: unknown[]): void {
  switch (typeof value) {
    case "string":
    case "boolean":
      return;
    case "number":
      if (Number.isFinite(value) && !Object.is(value, -0)) return;
      throw refused(Object.is(value, -0) ? "-0" : String(value), path);
    case "object":
      if (value !== null) requireJsonObject(value, path);
      return;
    default:
      throw refused(kindOf(value), path);
  }
}

function requireJsonObject(value: object, path: unknown[]): void {
  if (path.length > DEEPEST) throw new CacheValueError(`a cycle, or more than ${DEEPEST} levels`);
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) requireMember(value[index], path, index);
    return;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  const isPlain = prototype === null || Object.getPrototypeOf(prototype) === null;
  if (!isPlain) throw refused(kindOf(value), path);
  for (const [key, member] of Object.entries(value)) {
    if (member !== undefined) requireMember(member, path, key);
  }
}

function requireMember(member: unknown, path: unknown[], key: string | number): void {
  path.push(key);
  requireJson(member, path);
  path.pop();
}

function refused(what: string, path: readonly unknown[]): CacheValueError {
  const at = pathText(path);
  return new CacheValueError(at === "" ? what : `${what} at ${at}`);
}

function stringify(value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    // A BigInt or a cycle; what a toJSON of the application throws is its own.
    if (!(error instanceof TypeError)) throw error;
    throw new CacheValueError("what JSON.stringify refuses, a BigInt or a cycle");
  }
  if (text === undefined) throw new CacheValueError(kindOf(value));
  return text;
}
