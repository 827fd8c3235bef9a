import { expect, test } from "vitest";
import type { ClaimedJob } from "../driver.ts";
import { DELAY_HEADER, unhandled } from "./unhandled.ts";

const known = new Map([["mail", 1]]);
const job = (over: Partial<ClaimedJob>): ClaimedJob =>
  ({ name: "mail", headers: {}, addedAtMs: 0, ...over }) as ClaimedJob;
const any = { longestMs: Number.POSITIVE_INFINITY, emulateLongDelay: false };

test("a known name is handled", () => {
  expect(unhandled(job({}), known, 10_000_000, any)).toBeUndefined();
});

test("an unknown one goes back for a moment, and after an hour for good", () => {
  const stranger = job({ name: "new" });
  expect(unhandled(stranger, known, 3_600_000, any)).toEqual({ kind: "release", delayMs: 5_000 });
  expect(unhandled(stranger, known, 3_600_001, any)).toMatchObject({
    kind: "dead",
    reason: "unknown-name",
  });
  expect(unhandled(stranger, known, 0, { ...any, longestMs: 0 })).toMatchObject({ delayMs: 0 });
});

test("a delay beyond the driver's longest is waited for in parts, if that was asked for", () => {
  const delays = { longestMs: 900, emulateLongDelay: true };
  const late = job({ headers: { [DELAY_HEADER]: "2000" } });
  expect(unhandled(late, known, 900, delays)).toEqual({ kind: "release", delayMs: 900 });
  expect(unhandled(late, known, 1_800, delays)).toEqual({ kind: "release", delayMs: 200 });
  expect(unhandled(late, known, 2_000, delays)).toBeUndefined();
  expect(unhandled(late, known, 0, any)).toBeUndefined();
  const nonsense = job({ headers: { [DELAY_HEADER]: "soon" } });
  expect(unhandled(nonsense, known, 0, delays)).toBeUndefined();
});
