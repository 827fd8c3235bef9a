/**
 * A field's value as JSON, and nothing that JSON would change in silence.
 *
 * A `Date` comes back from JSON as a text, a `Map` as `{}`, `NaN` as `null`, `undefined` not at all,
 * and the request that reads it fails a week later. Such values are refused where they are set, with
 * their path. So is what has no end: a cycle, or nesting that would fill the stack.
 *
 * Reading makes plain objects; a key `__proto__` is left out, since code that copies fields onto
 * other objects would set their prototype with it.
 */

import { SessionError } from "./errors.ts";

/** Deeper is a mistake or an attack. */
const DEEPEST = 100;

/** @throws SessionError `SESSION_VALUE`, naming what in the value is not JSON. */
export function fieldText(name: string, value: unknown): string {
  requireJson(name, value, 0);
  return JSON.stringify(value);
}

/** @throws SyntaxError when `text` is not JSON. */
export function fieldValue(text: string): unknown {
  return text.includes("__proto__") ? JSON.parse(text, withoutProto) : JSON.parse(text);
}

function withoutProto(key: string, value: unknown): unknown {
  return key === "__proto__" ? undefined : value;
}

function requireJson(path: string, value: unknown, depth: number): void {
  if (value === null || typeof value === "string" || typeof value === "boolean") return;
  if (typeof value === "number") {
    if (Number.isFinite(value)) return;
    throw notJson(path, String(value));
  }
  if (typeof value !== "object") throw notJson(path, `a ${typeof value}`);
  if (depth === DEEPEST) throw notJson(path, `nested more than ${DEEPEST} deep, or a cycle`);
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      requireJson(`${path}[${index}]`, value[index], depth + 1);
    }
    return;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw notJson(path, `a ${value.constructor?.name ?? "class"}`);
  }
  for (const key of Object.keys(value)) {
    const item: unknown = Reflect.get(value, key);
    // What JSON leaves out and a reader sees as not there is the same.
    if (item !== undefined) requireJson(`${path}.${key}`, item, depth + 1);
  }
}

function notJson(path: string, what: string): SessionError {
  return new SessionError(
    "SESSION_VALUE",
    `session field ${path} is ${what}, which JSON does not keep: store text, numbers, lists and plain objects`,
  );
}
