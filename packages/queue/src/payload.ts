/**
 * Data as JSON text, and back, with nothing in it that harms who reads it.
 *
 * `JSON.parse` makes an own property of the name `"__proto__"`, and whoever merges the object later
 * has changed the prototype of something else; text nested ten thousand deep ends whoever walks
 * through it recursively. Neither is ever meant, so neither is written, and a job that has it all the
 * same (who else can write to this queue?) does not reach a handler.
 *
 * The common case costs one native call: text without the words in question cannot hold them, and
 * text of fewer characters than the depth has brackets cannot be so deep. Only the rest is walked.
 */

import { QueueError } from "./errors.ts";

/** Deeper is refused. */
const DEEPEST = 100;

/**
 * @param what is said in the error: `"data"`.
 * @throws QueueError `QUEUE_VALUE` naming the path of what cannot be JSON; `QUEUE_TOO_LARGE`.
 */
export function encodePayload(
  queue: string,
  what: string,
  value: unknown,
  maxBytes: number,
): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (cause) {
    throw invalidValue(queue, findFault(value, what) ?? `${what} cannot be JSON`, cause);
  }
  if (text === undefined) {
    const fault = value === undefined ? "is undefined: give null" : `is a ${typeof value}`;
    throw invalidValue(queue, `${what} ${fault}`);
  }
  // A character is at most three bytes of UTF-8.
  if (text.length * 3 > maxBytes) requireSize(queue, what, text, maxBytes);
  if (mayHarm(text)) {
    const fault = findFault(JSON.parse(text), what);
    if (fault !== undefined) throw invalidValue(queue, fault);
  }
  return text;
}

/** @throws QueueError `QUEUE_VALUE`: it is no JSON, or has in it what must not reach a handler. */
export function decodePayload(queue: string, what: string, text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Its message quotes the text.
    throw invalidValue(queue, `${what} is no JSON`);
  }
  if (mayHarm(text)) {
    const fault = findFault(value, what);
    if (fault !== undefined) throw invalidValue(queue, fault);
  }
  return value;
}

/** An escape may spell any of the words. */
function mayHarm(text: string): boolean {
  return (
    text.length > 2 * DEEPEST ||
    text.includes("__proto__") ||
    text.includes('"constructor"') ||
    text.includes("\\u")
  );
}

function requireSize(queue: string, what: string, text: string, maxBytes: number): void {
  const bytes = Buffer.byteLength(text);
  if (bytes <= maxBytes) return;
  throw new QueueError(
    "QUEUE_TOO_LARGE",
    queue,
    `queue "${queue}": ${what} has ${bytes} bytes, more than maxBytes (${maxBytes}): store it elsewhere and add where`,
  );
}

function invalidValue(queue: string, fault: string, cause?: unknown): QueueError {
  return new QueueError("QUEUE_VALUE", queue, `queue "${queue}": ${fault}`, { cause });
}

/** The first thing in `value` that must not be there, with its path; undefined if all is well. */
function findFault(value: unknown, what: string): string | undefined {
  const path: string[] = [];
  const above = new Set<unknown>();
  const at = (): string => `${what}${path.join("")}`;
  const visit = (here: unknown): string | undefined => {
    if (typeof here === "bigint") return `${at()} is a bigint`;
    if (typeof here !== "object" || here === null) return undefined;
    if (above.has(here)) return `${at()} is a cycle`;
    if (path.length >= DEEPEST) return `${what} is more than ${DEEPEST} levels deep`;
    above.add(here);
    for (const key of Object.keys(here)) {
      path.push(Array.isArray(here) ? `[${key}]` : `.${key}`);
      const child: unknown = (here as Record<string, unknown>)[key];
      const fault = isHarmful(key, child) ? `${at()} is not allowed` : visit(child);
      if (fault !== undefined) return fault;
      path.pop();
    }
    above.delete(here);
    return undefined;
  };
  return visit(value);
}

function isHarmful(key: string, child: unknown): boolean {
  if (key === "__proto__") return true;
  return (
    key === "constructor" &&
    typeof child === "object" &&
    child !== null &&
    Object.hasOwn(child, "prototype")
  );
}
