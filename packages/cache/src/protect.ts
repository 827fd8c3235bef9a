/**
 * One value, many callers: what keeps a change by one of them from the others.
 *
 * - `"freeze"` makes the value immutable, so that the mistake throws where it is made.
 * - `"clone"` gives each caller a copy, and keeps one that no caller has.
 * - `"share"` does nothing and costs nothing.
 *
 * Freezing reaches plain objects, lists, and what is in maps and sets. It does not reach instances
 * of classes, which may hold on to anything (an entity knows its connection); the bytes of buffers,
 * which cannot be frozen; and `set` of maps, `add` of sets, `setTime` of dates, which are not
 * properties.
 */

import { types } from "node:util";

export type Protection = "freeze" | "clone" | "share";

export interface Protector {
  /** What is kept instead of a value that was loaded or written. */
  keep(value: unknown): unknown;
  /** What a caller gets of a value that is kept. */
  give(value: unknown): unknown;
}

const same = (value: unknown): unknown => value;
/** Throws a `DataCloneError` for functions; an instance of a class becomes a plain object. */
const clone = (value: unknown): unknown => structuredClone(value);

const PROTECTORS: Record<Protection, Protector> = {
  freeze: { keep: deepFreeze, give: same },
  clone: { keep: clone, give: clone },
  share: { keep: same, give: same },
};

export function protectionOf(mode: Protection): Protector {
  return PROTECTORS[mode];
}

/** @throws TypeError when there is no such protection, naming the option. */
export function requireProtection(name: string, mode: Protection): Protection {
  if (typeof mode === "string" && Object.hasOwn(PROTECTORS, mode)) return mode;
  const modes = Object.keys(PROTECTORS).map((each) => `"${each}"`);
  const shown = typeof mode === "string" ? JSON.stringify(mode) : typeof mode;
  throw new TypeError(`${name} must be one of ${modes.join(", ")}, got ${shown}`);
}

/** Freezes it and what it contains. Cycles are no problem. @returns the same value. */
export function deepFreeze<Value>(value: Value): Value {
  const seen = new Set<unknown>();
  const waiting: unknown[] = [value];
  while (waiting.length > 0) {
    const next = waiting.pop();
    if (typeof next !== "object" || next === null || seen.has(next)) continue;
    seen.add(next);
    if (types.isMap(next)) {
      for (const [key, member] of next) waiting.push(key, member);
    } else if (types.isSet(next)) {
      for (const member of next) waiting.push(member);
    } else if (Array.isArray(next) || isPlain(next)) {
      Object.freeze(next);
      // Not Object.values: that would call getters.
      const properties: PropertyDescriptor[] = Object.values(
        Object.getOwnPropertyDescriptors(next),
      );
      for (const property of properties) waiting.push(property.value);
    }
  }
  return value;
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
