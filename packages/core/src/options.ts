/**
 * Options are checked where they are given.
 *
 * A wrong option is a programmer's mistake, so it throws while the application starts and not at
 * 3 am when the value is first used. Every message names the option, the rule and the value. The
 * checks return the value, typed, so that a factory reads as the list of its options:
 *
 *     const decayMs = requirePositive("decayMs", options.decayMs ?? 10_000);
 *
 * A value of the wrong type is a `TypeError`, a number outside its range a `RangeError`.
 */

import type { Clock } from "./clock.ts";

/** A finite number above 0. The unit is the one at the end of `name`. */
export function requirePositive(name: string, value: unknown): number {
  const number = requireFinite(name, value, "positive");
  if (number <= 0) throw outOfRange(name, "positive", value);
  return number;
}

/** A finite number, 0 or above. The unit is the one at the end of `name`. */
export function requireNonNegative(name: string, value: unknown): number {
  const number = requireFinite(name, value, "non-negative");
  if (number < 0) throw outOfRange(name, "non-negative", value);
  return number;
}

/**
 * A whole number of things.
 * @param bounds `min` is the smallest allowed count, 1 unless given.
 */
export function requireCount(name: string, value: unknown, bounds: { min?: number } = {}): number {
  const { min = 1 } = bounds;
  const rule = `an integer of at least ${min}`;
  if (typeof value !== "number") throw new TypeError(complaint(name, rule, value));
  if (!Number.isSafeInteger(value) || value < min) {
    throw new RangeError(complaint(name, rule, value));
  }
  return value;
}

/** A share of the whole: a number from 0 to 1, both included. */
export function requireRatio(name: string, value: unknown): number {
  const rule = "a number from 0 to 1";
  if (typeof value !== "number") throw new TypeError(complaint(name, rule, value));
  if (!(value >= 0 && value <= 1)) throw new RangeError(complaint(name, rule, value));
  return value;
}

/** A text with something in it, for messages and events. */
export function requireText(name: string, value: string): string {
  if (typeof value === "string" && value !== "") return value;
  throw new TypeError(complaint(name, "a non-empty string", value));
}

/** Yes or no, and nothing that only counts as one of them. */
export function requireBoolean(name: string, value: boolean): boolean {
  if (typeof value === "boolean") return value;
  throw new TypeError(complaint(name, "true or false", value));
}

/** One of a closed set of texts. */
export function requireOneOf<const Known extends string>(
  name: string,
  value: Known,
  known: readonly Known[],
): Known {
  if (known.includes(value)) return value;
  throw new TypeError(complaint(name, `one of ${known.join(", ")}`, value));
}

/** A function, whatever its arguments: only the compiler knows those. */
export function requireFunction<Call extends (...given: never[]) => unknown>(
  name: string,
  value: Call,
): Call {
  if (typeof value === "function") return value;
  throw new TypeError(complaint(name, "a function", value));
}

/** A {@link Clock}: all of its methods are there. */
export function requireClock(name: string, value: Clock): Clock {
  return requireMethods(name, value, ["now", "monotonicNow", "timer", "sleep"]);
}

/** An `AbortSignal`, also of another realm, or none. A controller is not its signal. */
export function requireSignal(
  name: string,
  value: AbortSignal | undefined,
): AbortSignal | undefined {
  if (value === undefined || typeof value?.aborted === "boolean") return value;
  throw new TypeError(complaint(name, "an AbortSignal", value));
}

/** An object that has these methods, whatever its class. */
export function requireMethods<Value extends object>(
  name: string,
  value: Value,
  methods: readonly (string & keyof Value)[],
): Value {
  for (const method of methods) {
    if (typeof value?.[method] === "function") continue;
    throw new TypeError(complaint(name, `an object with ${methods.join(", ")}`, value));
  }
  return value;
}

/**
 * Refuses a name that is not an option: `{ timeout: 5 }` where `timeoutMs` was meant would
 * otherwise be ignored in silence.
 *
 * @param where what takes the options, as the user wrote it: `"createCache"`.
 * @throws `TypeError` naming the unknown option and the known one that looks most like it.
 */
export function requireKnownOptions(
  where: string,
  options: object,
  known: readonly string[],
): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new TypeError(`${where}: options must be an object, got ${shown(options)}`);
  }
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    const near = nearest(name, known);
    const hint = near === undefined ? `options are ${known.join(", ")}` : `did you mean "${near}"?`;
    throw new TypeError(`${where}: unknown option "${name}", ${hint}`);
  }
}

function requireFinite(name: string, value: unknown, adjective: string): number {
  if (typeof value !== "number") {
    throw new TypeError(complaint(name, numberRule(name, adjective), value));
  }
  if (!Number.isFinite(value)) throw outOfRange(name, adjective, value);
  return value;
}

function outOfRange(name: string, adjective: string, value: unknown): RangeError {
  return new RangeError(complaint(name, numberRule(name, adjective), value));
}

function complaint(name: string, rule: string, value: unknown): string {
  return `${name} must be ${rule}, got ${shown(value)}`;
}

function numberRule(name: string, adjective: string): string {
  if (name.endsWith("Ms")) return `a ${adjective} number of milliseconds`;
  if (name.endsWith("Bytes")) return `a ${adjective} number of bytes`;
  return `a ${adjective} number`;
}

/** A wrong value may be a connection string or a whole client: only what is short and plain is shown. */
function shown(value: unknown): string {
  if (typeof value === "string") {
    return value.length <= 16 ? JSON.stringify(value) : `a string of ${value.length} characters`;
  }
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object" && value !== null) return "an object";
  if (typeof value === "function" || typeof value === "symbol") return `a ${typeof value}`;
  return String(value);
}

/** The known name that is the fewest edits away; none if all are far. */
function nearest(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(3, Math.floor(name.length / 2)) + 1;
  for (const candidate of known) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Levenshtein's distance, by rows (Wagner and Fischer 1974): O(a·b) on two short names. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const swap = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      const left = (current[column - 1] ?? 0) + 1;
      const above = (previous[column] ?? 0) + 1;
      current.push(Math.min(swap, left, above));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}
