/**
 * One kind of error for all packages, that may be given to a logger as it is.
 *
 * What goes wrong below us carries secrets: a rejected Redis command holds the session it was to
 * store (`error.command.args`), the error of `new URL` holds the whole connection string
 * (`error.input`). Loggers print all fields of an error and of its causes. A {@link HeadroomError}
 * therefore keeps its `cause` for the code that handles it, but shows only the cause's name, code
 * and message: to `inspect` and `console`, to `JSON.stringify`, and to Node when it prints an
 * uncaught error. That last one ignores custom inspection; it is stopped by `cause` being an
 * accessor, which Node prints as `[Getter]`.
 *
 * One exception is out of our reach: an error that nobody catches in a *worker thread*. Node
 * serialises it for the main thread and calls the getter of `cause` for that; the copy shows the
 * whole cause. Catch errors inside the worker, and pass on what `toJSON` gives.
 *
 * Texts pass through `redactUrl`. It knows URLs, not the formats of servers: where a server's
 * message quotes the value it did not like, the package that talks to it must leave that out.
 *
 * An error is recognised by its brand and `code`, not with `instanceof`: an application may have
 * two copies of this package installed.
 */

import { redactUrl, soundsSecret } from "./redact-url.ts";

export { redactUrl } from "./redact-url.ts";

const BRAND = Symbol.for("headroom.error");
const INSPECT = Symbol.for("nodejs.util.inspect.custom");

/** Deeper data than this is not a field of an error any more. */
const DEEPEST = 5;

export interface HeadroomErrorOptions {
  /**
   * Whether the failure is transient, so that the same call may succeed later. If the call may be
   * *repeated*, because doing it twice does no harm, only the caller knows.
   * @default false
   */
  readonly retryable?: boolean | undefined;
  /** What made it fail. Kept as it is in `cause`, shown as name, code and message. */
  readonly cause?: unknown;
}

/**
 * The base of every error that Headroom makes. A package names its codes as a string union and adds
 * data in a subclass of one level:
 *
 *     class QueueFullError extends HeadroomError<"QUEUE_FULL"> {
 *       readonly limit: number;
 *       static {
 *         Object.defineProperty(QueueFullError.prototype, "name", { value: "QueueFullError" });
 *       }
 *       constructor(queue: string, limit: number) {
 *         super("QUEUE_FULL", `queue "${queue}" holds ${limit} jobs: add workers, or raise limit`);
 *         this.limit = limit;
 *       }
 *     }
 *
 * Its `name` is on the prototype, so that it is no field. Own fields are shown, so they must be free
 * of secrets and stored values. Other errors are no
 * fields: they belong in `cause`, several of them in an `AggregateError`.
 */
export class HeadroomError<Code extends string = string> extends Error {
  /** What failed, for programs: stable between versions, in SCREAMING_SNAKE. */
  readonly code: Code;
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;

  static {
    Object.defineProperties(HeadroomError.prototype, {
      name: { value: "HeadroomError", configurable: true, writable: true },
      [BRAND]: { value: true },
      [INSPECT]: { value: inspectSafely },
    });
  }

  /** @param message what failed, on which thing, and what to do. Its URLs are redacted. */
  constructor(code: Code, message: string, options: HeadroomErrorOptions = {}) {
    super(redactUrl(message));
    this.code = code;
    this.retryable = options.retryable ?? false;
    const { cause } = options;
    if (cause !== undefined) {
      Object.defineProperty(this, "cause", { get: () => cause, configurable: true });
    }
  }

  /** All that may be shown: name, code, message, own fields, and the cause without its fields. */
  toJSON(): Record<string, unknown> {
    return shownError(this, DEEPEST);
  }
}

/**
 * Whether `value` is an error of Headroom, and if `code` is given, the one with that code. Also true
 * for errors of another installed copy of this package.
 */
export function isHeadroomError(value: unknown): value is HeadroomError;
export function isHeadroomError<Code extends string>(
  value: unknown,
  code: Code,
): value is HeadroomError<Code>;
export function isHeadroomError(value: unknown, code?: string): boolean {
  if (typeof value !== "object" || value === null || !(BRAND in value)) return false;
  return code === undefined || ("code" in value && value.code === code);
}

type Inspect = (value: unknown, options: object) => string;

function inspectSafely(
  this: HeadroomError,
  depth: number,
  options: object,
  inspect: Inspect,
): string {
  if (depth < 0) return `[${this.name} ${this.code}]`;
  const { name, message, ...fields } = this.toJSON();
  return `${this.stack ?? `${name}: ${message}`} ${inspect(fields, { ...options, depth: DEEPEST })}`;
}

function shownError(error: Error, levels: number): Record<string, unknown> {
  const shown: Record<string, unknown> = {
    name: String(error.name),
    ...codeOf(error),
    message: redactUrl(String(error.message)),
  };
  const fields = isHeadroomError(error) ? Object.entries(error) : [];
  for (const [name, value] of fields) shown[name] = shownField(name, value, levels - 1);
  if (error instanceof AggregateError) {
    shown["errors"] = error.errors.map((each) => shownCause(each, levels - 1));
  }
  if (error.cause !== undefined) shown["cause"] = shownCause(error.cause, levels - 1);
  return shown;
}

function codeOf(error: Error): { code?: string | number } {
  const code: unknown = "code" in error ? error.code : undefined;
  return typeof code === "string" || typeof code === "number" ? { code } : {};
}

/** What is thrown and is no error may hold anything: of a text, object or list only that it is one. */
function shownCause(cause: unknown, levels: number): unknown {
  if (typeof cause === "string") return "[string]";
  return isPlainObject(cause) || Array.isArray(cause) ? "[object]" : shownValue(cause, levels);
}

function shownField(name: string, value: unknown, levels: number): unknown {
  return soundsSecret(name) ? "***" : shownValue(value, levels);
}

function shownValue(value: unknown, levels: number): unknown {
  if (typeof value === "string") return redactUrl(value);
  if (typeof value === "bigint") return String(value);
  if (typeof value === "function" || typeof value === "symbol") return `[${typeof value}]`;
  if (typeof value !== "object" || value === null) return value;
  if (levels <= 0) return "[object]";
  if (value instanceof Date) return value.toJSON();
  if (isError(value)) return shownError(value, levels);
  if (Array.isArray(value)) return value.map((item) => shownValue(item, levels - 1));
  if (!isPlainObject(value)) return "[object]";
  const entries = Object.entries(value).map(([name, item]) => [
    name,
    shownField(name, item, levels - 1),
  ]);
  return Object.fromEntries(entries);
}

/** Also true for errors of another realm, such as a `vm` context. */
function isError(value: object): value is Error {
  return value instanceof Error || Object.prototype.toString.call(value) === "[object Error]";
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
