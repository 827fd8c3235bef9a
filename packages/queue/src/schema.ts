/**
 * Whether data are what a definition says, by a Standard Schema: synchronous or not.
 *
 * A value that is known at once is returned at once, without a promise: most schemas are
 * synchronous, and a promise for each job is what a fast worker cannot afford.
 */

import type { StandardSchemaV1 } from "@standard-schema/spec";
import { QueueError } from "./errors.ts";

/** Where data do not fit their schema, and why. A path is `"items.0.price"`. */
export interface Issue {
  readonly path: string;
  readonly message: string;
}

/** `QUEUE_INVALID`: data or a result do not fit their schema. */
export class QueueInvalidError extends QueueError {
  /** Not shown by `inspect`: some validators quote the value. */
  declare readonly issues: readonly Issue[];

  static {
    Object.defineProperty(QueueInvalidError.prototype, "name", { value: "QueueInvalidError" });
  }

  constructor(queue: string, what: string, issues: readonly Issue[]) {
    const paths = [...new Set(issues.map(({ path }) => path || "the whole"))].slice(0, 5);
    super(
      "QUEUE_INVALID",
      queue,
      `queue "${queue}": ${what} does not fit the schema at ${paths.join(", ")}`,
    );
    Object.defineProperty(this, "issues", { value: issues, enumerable: false });
  }
}

/**
 * What the schema makes of `value`; without one, `value`.
 * @throws QueueInvalidError, at once or by rejecting.
 */
export function validated(
  schema: StandardSchemaV1 | undefined,
  queue: string,
  what: string,
  value: unknown,
): unknown {
  if (schema === undefined) return value;
  const outcome = schema["~standard"].validate(value);
  if (outcome instanceof Promise) return outcome.then((later) => accepted(later, queue, what));
  return accepted(outcome, queue, what);
}

/** What {@link validated} returned that is not there yet. */
export function isPending(value: unknown): value is Promise<unknown> {
  return value instanceof Promise;
}

function accepted(outcome: StandardSchemaV1.Result<unknown>, queue: string, what: string): unknown {
  if (outcome.issues === undefined) return outcome.value;
  const issues = outcome.issues.map(({ path = [], message }) => ({
    path: path.map((step) => String(typeof step === "object" ? step.key : step)).join("."),
    message,
  }));
  throw new QueueInvalidError(queue, what, issues);
}
