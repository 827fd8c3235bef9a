import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MAX_RETRY_AFTER_MS, parseRetryAfter, retryAfterOf } from "./retry-after.ts";

const NOW_MS = Date.UTC(1994, 10, 6, 8, 49, 0);

describe("seconds", () => {
  test.each([
    ["0", 0],
    ["7", 7_000],
    [" 120\t", 120_000],
    ["007", 7_000],
    ["300", 300_000],
    ["301", 300_000],
    ["99999999999999999999999", 300_000],
  ])("%j is %d ms", (value, waitMs) => {
    expect(parseRetryAfter(value, NOW_MS)).toBe(waitMs);
  });
});

describe("dates, in the three forms of RFC 9110 §5.6.7", () => {
  test.each([
    "Sun, 06 Nov 1994 08:49:37 GMT",
    "Sunday, 06-Nov-94 08:49:37 GMT",
    "Sun Nov  6 08:49:37 1994",
  ])("%j is 37 s away", (value) => {
    expect(parseRetryAfter(value, NOW_MS)).toBe(37_000);
  });

  test("a date that has passed is now, one far away is capped", () => {
    expect(parseRetryAfter("Sun, 06 Nov 1994 08:48:59 GMT", NOW_MS)).toBe(0);
    expect(parseRetryAfter("Sun, 06 Nov 2094 08:48:59 GMT", NOW_MS)).toBe(MAX_RETRY_AFTER_MS);
    expect(parseRetryAfter("Sun, 06 Nov 2094 08:48:59 GMT", NOW_MS, 5_000)).toBe(5_000);
  });

  test("a leap second is a second", () => {
    const beforeMs = Date.UTC(2016, 11, 31, 23, 59, 59);
    expect(parseRetryAfter("Sat, 31 Dec 2016 23:59:60 GMT", beforeMs)).toBe(1_000);
  });

  test("two digits of a year more than 50 years ahead are of the past", () => {
    const nowMs = Date.UTC(2026, 0, 1);
    const farMs = 1_000_000 * 365 * 86_400_000;
    expect(parseRetryAfter("Friday, 01-Jan-77 00:00:00 GMT", nowMs, farMs)).toBe(0);
    expect(parseRetryAfter("Friday, 01-Jan-76 00:00:00 GMT", nowMs, farMs)).toBe(
      Date.UTC(2076, 0, 1) - nowMs,
    );
  });

  test("any moment, written by toUTCString, is read back", () => {
    const moments = fc.integer({ min: 0, max: 4_102_444_800 });
    fc.assert(
      fc.property(moments, (second) => {
        const value = new Date(second * 1000).toUTCString();
        expect(parseRetryAfter(value, 0, Number.POSITIVE_INFINITY)).toBe(second * 1000);
      }),
    );
  });
});

describe("anything else says nothing", () => {
  test.each([
    "",
    "  ",
    "-1",
    "+5",
    "1.5",
    "1e3",
    "0x10",
    "5s",
    "120, 60",
    "soon",
    "soon 5",
    "٣",
    "1994-11-06T08:49:37Z",
    "Sun, 06 Nov 1994 08:49:37",
    "Sun, 06 Nov 1994 08:49:37 CET",
    "Sun, 6 Nov 1994 08:49:37 GMT",
    "Sun, 06 Foo 1994 08:49:37 GMT",
    "Sun, 31 Jun 1994 08:49:37 GMT",
    "Sun, 00 Nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 1994 24:00:00 GMT",
    "Sun, 06 Nov 1994 08:60:00 GMT",
    "Sun, 06 Nov 1994 08:49:61 GMT",
  ])("%j", (value) => {
    expect(parseRetryAfter(value, NOW_MS)).toBeUndefined();
  });

  test("no header", () => {
    expect(parseRetryAfter(undefined, NOW_MS)).toBeUndefined();
  });

  test("whatever is sent, the answer is none or within bounds", () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 0, max: 4e12 }), (value, nowMs) => {
        const waitMs = parseRetryAfter(value, nowMs) ?? 0;
        expect(waitMs).toBeGreaterThanOrEqual(0);
        expect(waitMs).toBeLessThanOrEqual(MAX_RETRY_AFTER_MS);
      }),
    );
  });
});

test("it is found among raw headers, as text and as bytes", () => {
  const raw = ["Content-Type", "text/plain", "Retry-After", "3"];
  expect(retryAfterOf(raw, NOW_MS)).toBe(3_000);
  expect(
    retryAfterOf(
      raw.map((text) => Buffer.from(text)),
      NOW_MS,
    ),
  ).toBe(3_000);
  expect(retryAfterOf(["content-type", "retry-after"], NOW_MS)).toBeUndefined();
});
