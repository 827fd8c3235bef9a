/**
 * Looks through a value before it is packed, for what msgpackr would give back as something else.
 *
 * It would pack a class instance as its fields, a subclass of Date as a Date, `-0` as 0, and half of
 * a surrogate pair as U+FFFD; it renames the key `__proto__`, and after an object with the key
 * `__keys__` it packs *other* objects so that they cannot be read. What is no plain data is refused
 * with its place. `-0` and broken texts are plain data, only rare: they are noted as amendments,
 * which the codec stores beside the value and puts in their place again.
 */

import { CacheValueError } from "../errors.ts";
import { kindOf, pathText } from "./value-path.ts";

/** `value` stands at `key` of `container`: -0, or a text that is no well-formed Unicode. */
export interface Amendment {
  readonly container: object;
  readonly key: unknown;
  readonly value: number | string;
}

export interface Findings {
  /** Whether some object is reachable on two ways, or from itself. */
  readonly isGraph: boolean;
  /** Undefined when there are none. */
  readonly amendments: readonly Amendment[] | undefined;
}

/** Deeper than this the recursion of packing might not end well. */
const DEEPEST = 1000;

const REFUSED_KEYS = new Set(["__proto__", "__keys__"]);

/** Of these classes themselves, not of subclasses. */
const OPAQUE = new Set<unknown>(
  [
    Date,
    ArrayBuffer,
    Buffer,
    Int8Array,
    Uint8Array,
    Uint8ClampedArray,
    Int16Array,
    Uint16Array,
    Int32Array,
    Uint32Array,
    Float32Array,
    Float64Array,
    BigInt64Array,
    BigUint64Array,
  ].map(({ prototype }) => prototype),
);

/**
 * @param holder a list with the value as its only member, so that the value itself has a container.
 * @throws CacheValueError naming what cannot be kept, and where.
 */
export function inspectPlainData(holder: readonly [unknown]): Findings {
  return new Inspection().of(holder);
}

class Inspection {
  isGraph = false;
  amendments: Amendment[] | undefined;
  readonly #seen = new Set<object>();
  /** The keys on the way to what is looked at. */
  readonly #path: unknown[] = [];
  #depth = 0;

  of(holder: readonly [unknown]): Findings {
    this.#visit(holder[0], holder, 0);
    return this;
  }

  #visit(value: unknown, container: object, key: unknown): void {
    switch (typeof value) {
      case "object":
        if (value !== null) this.#enter(value, key);
        return;
      case "string":
        if (!isWellFormed(value)) this.#amend(container, key, value);
        return;
      case "number":
        if (value === 0 && 1 / value < 0) this.#amend(container, key, value);
        return;
      case "function":
      case "symbol":
        throw this.#refused(kindOf(value), key);
    }
  }

  #enter(value: object, key: unknown): void {
    if (this.#seen.has(value)) {
      this.isGraph = true;
      return;
    }
    this.#seen.add(value);
    if (this.#depth > DEEPEST) throw new CacheValueError(`more than ${DEEPEST} levels`);
    this.#path[this.#depth++] = key;
    this.#lookInto(value);
    this.#depth--;
  }

  #lookInto(value: object): void {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || isRoot(prototype)) this.#object(value as Plain);
    else if (Array.isArray(value) && isListPrototype(prototype)) this.#list(value);
    else if (prototype === Map.prototype && value instanceof Map) this.#map(value);
    else if (prototype === Set.prototype && value instanceof Set) this.#set(value);
    else if (!OPAQUE.has(prototype)) throw this.#refused(kindOf(value));
  }

  #object(value: Plain): void {
    for (const key of Object.keys(value)) {
      if (REFUSED_KEYS.has(key)) throw this.#refused(`the key "${key}"`);
      if (!isWellFormed(key)) throw this.#refused("a key with half of a surrogate pair");
      this.#visit(value[key], value, key);
    }
  }

  #list(list: readonly unknown[]): void {
    for (let index = 0; index < list.length; index++) {
      const member = list[index];
      if (member === undefined && !(index in list)) throw this.#refused("a hole", index);
      this.#visit(member, list, index);
    }
  }

  #map(map: ReadonlyMap<unknown, unknown>): void {
    for (const [key, member] of map) {
      this.#member(key, "a key");
      this.#visit(member, map, key);
    }
  }

  #set(set: ReadonlySet<unknown>): void {
    for (const member of set) this.#member(member, "a member");
  }

  /** What is found by its identity in a map or set cannot be amended. -0 is 0 there anyway. */
  #member(member: unknown, what: string): void {
    if (typeof member === "string") {
      if (!isWellFormed(member)) throw this.#refused(`${what} with half of a surrogate pair`);
    } else this.#visit(member, EMPTY, member);
  }

  #amend(container: object, key: unknown, value: number | string): void {
    this.amendments ??= [];
    this.amendments.push({ container, key, value });
  }

  #refused(what: string, ...keys: readonly unknown[]): CacheValueError {
    // The first key is that of the holder.
    const path = pathText([...this.#path.slice(0, this.#depth), ...keys].slice(1));
    return new CacheValueError(path === "" ? what : `${what} at ${path}`);
  }
}

type Plain = Readonly<Record<string, unknown>>;

const EMPTY = {};

/** `null`, or `Object.prototype` of another realm (a test environment, a vm context). */
function isRoot(prototype: unknown): boolean {
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** `Array.prototype`, also of another realm; not that of a subclass. */
function isListPrototype(prototype: unknown): boolean {
  return prototype === Array.prototype || isRoot(Object.getPrototypeOf(prototype));
}

/** Of ES2024, in Node since version 20. */
const { isWellFormed: wellFormed } = String.prototype as unknown as {
  isWellFormed(this: string): boolean;
};

function isWellFormed(text: string): boolean {
  return wellFormed.call(text);
}
