/**
 * The headers of a job, with the trace it belongs to.
 *
 * W3C Trace Context (https://www.w3.org/TR/trace-context/) names two: `traceparent`, of fixed form,
 * and `tracestate`, which means nothing without it. What an application gives is passed on as it is,
 * to be seen in `job.headers`; a `traceparent` that is none is left out with its `tracestate`, as the
 * standard asks: a broken trace must not break a job. Any other header that is wrong is a mistake of
 * the application's, and throws.
 */

import type { JobHeaders } from "./driver.ts";

/** Gives the trace that is under way, if there is one, for each call that adds jobs. */
export type TraceContext = () =>
  | { readonly traceparent: string; readonly tracestate?: string | undefined }
  | undefined;

export const NO_HEADERS: JobHeaders = Object.freeze({});

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}/;
const HEADER_NAME = /^[a-z0-9][a-z0-9._-]{0,99}$/;
const MOST_CHARACTERS = 8_192;
/** Of the standard, §3.3.1.5. */
const MOST_TRACESTATE = 512;

/**
 * What travels with a job.
 * @param given by the caller; these go before what `trace` says.
 * @throws TypeError when a header has no name of lower-case letters, or is no text.
 */
export function jobHeaders(
  given: JobHeaders | undefined,
  trace: TraceContext | undefined,
): JobHeaders {
  const current = trace?.();
  if (given === undefined && current === undefined) return NO_HEADERS;
  const headers: Record<string, string> = {};
  if (current !== undefined) {
    headers["traceparent"] = current.traceparent;
    if (current.tracestate !== undefined) headers["tracestate"] = current.tracestate;
  }
  let characters = 0;
  for (const [name, value] of Object.entries(given ?? {})) {
    if (!HEADER_NAME.test(name)) {
      throw new TypeError("a header's name must be lower-case letters, digits, '.', '_' or '-'");
    }
    if (typeof value !== "string") throw new TypeError(`header "${name}" must be a string`);
    characters += name.length + value.length;
    headers[name] = value;
  }
  if (characters > MOST_CHARACTERS) {
    throw new RangeError(`headers must be at most ${MOST_CHARACTERS} characters in all`);
  }
  // Who gives a parent of their own has left the trace that is under way, with its state.
  if (given?.["traceparent"] !== undefined && given["tracestate"] === undefined) {
    delete headers["tracestate"];
  }
  return withoutBrokenTrace(headers);
}

function withoutBrokenTrace(headers: Record<string, string>): JobHeaders {
  if (!isTraceparent(headers["traceparent"])) {
    delete headers["traceparent"];
    delete headers["tracestate"];
  } else if ((headers["tracestate"]?.length ?? 0) > MOST_TRACESTATE) {
    delete headers["tracestate"];
  }
  return headers;
}

/** Version 00 has this length; a later one may be longer, and then goes on with a dash. */
function isTraceparent(value: string | undefined): boolean {
  if (value === undefined || !TRACEPARENT.test(value)) return false;
  return value.length === 55 || (!value.startsWith("00") && value[55] === "-");
}
