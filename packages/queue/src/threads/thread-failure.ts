/** An error on its way from a thread. */

import { isUnrecoverable, RetryAfterError, retryAfterMs, UnrecoverableError } from "../job.ts";
import type { ThreadFailure } from "./thread-message.ts";

/** In the thread. What is thrown and is no error is only said to be none: it may hold anything. */
export function failureOfThread(error: unknown): ThreadFailure {
  const known = error instanceof Error ? error : new Error("a value that is no Error was thrown");
  const code: unknown = "code" in known ? known.code : undefined;
  return {
    name: String(known.name),
    message: String(known.message),
    stack: known.stack,
    code: typeof code === "string" ? code : undefined,
    unrecoverable: isUnrecoverable(error),
    retryAfterMs: retryAfterMs(error),
  };
}

/** In the process: with the name, message and stack that it had, and the same meaning to a worker. */
export function errorOfThread(failure: ThreadFailure): Error {
  const { name, message, stack, code } = failure;
  const error = errorLike(failure);
  const own = (value: unknown): PropertyDescriptor => ({
    value,
    configurable: true,
    writable: true,
  });
  if (error.name !== name) Object.defineProperty(error, "name", own(name));
  if (error.message !== message) Object.defineProperty(error, "message", own(message));
  if (stack !== undefined) Object.defineProperty(error, "stack", own(stack));
  if (code !== undefined) Object.defineProperty(error, "code", { ...own(code), enumerable: true });
  return error;
}

function errorLike({ message, unrecoverable, retryAfterMs: delayMs }: ThreadFailure): Error {
  if (unrecoverable) return new UnrecoverableError(message);
  return delayMs === undefined ? new Error(message) : new RetryAfterError(delayMs, message);
}
