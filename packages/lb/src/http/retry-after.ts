/**
 * How long a server asks not to be asked: the `Retry-After` header.
 *
 * It is a number of seconds or a date. A date is one of the three forms that RFC 9110 §5.6.7 obliges
 * a recipient to accept; they are read by their exact shape, because `Date.parse` also finds a date
 * in `"soon 5"` and takes the oldest form for local time. Anything else says nothing, and is
 * answered with `undefined`: a header we cannot read must not stop anybody.
 *
 * The answer is capped. A server that says "in a year" would otherwise be out for a year because
 * of a slip of the pen.
 *
 * Source: RFC 9110 §10.2.3; the cap of 300 s is linkerd2-proxy's (`linkerd/load-biaser`).
 */

import { headerOf, type RawHeaders } from "./raw-headers.ts";

/** No wish is longer than this, in milliseconds. */
export const MAX_RETRY_AFTER_MS = 300_000;

/**
 * The wait in milliseconds, from 0 to `maxMs`; `undefined` when the value is neither a whole number
 * of seconds nor an HTTP date. `"120"` is 120,000; a date that has passed is 0.
 *
 * @param nowMs wall time, as the date is.
 */
export function parseRetryAfter(
  value: string | undefined,
  nowMs: number,
  maxMs: number = MAX_RETRY_AFTER_MS,
): number | undefined {
  const text = value?.trim();
  if (text === undefined || text === "") return undefined;
  const waitMs = DIGITS.test(text) ? Number(text) * 1000 : parseHttpDate(text, nowMs) - nowMs;
  return Number.isNaN(waitMs) ? undefined : Math.min(Math.max(waitMs, 0), maxMs);
}

/** {@link parseRetryAfter} of the header, if there is one. O(headers). */
export function retryAfterOf(raw: RawHeaders, nowMs: number): number | undefined {
  return parseRetryAfter(headerOf(raw, "retry-after"), nowMs);
}

const DIGITS = /^\d+$/;

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** `Sun, 06 Nov 1994 08:49:37 GMT`: what is to be sent. */
const IMF_FIXDATE =
  /^[A-Z][a-z]{2}, (?<day>\d\d) (?<month>[A-Z][a-z]{2}) (?<year>\d{4}) (?<time>\d\d:\d\d:\d\d) GMT$/;
/** `Sunday, 06-Nov-94 08:49:37 GMT`: obsolete. */
const RFC_850 =
  /^[A-Z][a-z]{5,8}, (?<day>\d\d)-(?<month>[A-Z][a-z]{2})-(?<year>\d\d) (?<time>\d\d:\d\d:\d\d) GMT$/;
/** `Sun Nov  6 08:49:37 1994`: obsolete, C's `asctime`. */
const ASCTIME =
  /^[A-Z][a-z]{2} (?<month>[A-Z][a-z]{2}) (?<day>[ \d]\d) (?<time>\d\d:\d\d:\d\d) (?<year>\d{4})$/;

/** Milliseconds since the epoch; NaN when it is no date. The day of the week is not checked. */
function parseHttpDate(text: string, nowMs: number): number {
  const match = IMF_FIXDATE.exec(text) ?? RFC_850.exec(text) ?? ASCTIME.exec(text);
  const { day = "", month = "", year = "", time = "" } = match?.groups ?? {};
  const [hour = Number.NaN, minute = Number.NaN, second = Number.NaN] = time.split(":").map(Number);
  // A leap second is second 60.
  if (!(hour < 24 && minute < 60 && second <= 60)) return Number.NaN;
  const fullYear = year.length === 2 ? centuryOf(Number(year), nowMs) : Number(year);
  const dayMs = Date.UTC(fullYear, MONTHS.indexOf(month), Number(day));
  // 31 June would be 1 July, and an unknown month the December before.
  if (new Date(dayMs).getUTCDate() !== Number(day) || !MONTHS.includes(month)) return Number.NaN;
  return dayMs + ((hour * 60 + minute) * 60 + second) * 1000;
}

/** Two digits that look more than 50 years ahead are of the past (RFC 9110 §5.6.7). */
function centuryOf(twoDigits: number, nowMs: number): number {
  const thisYear = new Date(nowMs).getUTCFullYear();
  const year = thisYear - (thisYear % 100) + twoDigits;
  return year > thisYear + 50 ? year - 100 : year;
}
