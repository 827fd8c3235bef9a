/**
 * Our ticks against those of another library, and against the rules of `cron-ticks.ts` written down a
 * second time as a search through all minutes.
 *
 * Both libraries agree but where the clocks are changed; what cron-parser does there is listed by name
 * in {@link KNOWN_DIFFERENCES}, and everything else is a mistake.
 */

import { CronExpressionParser } from "cron-parser";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { cronTicks } from "./cron-ticks.ts";

// Calendars are slow, and so is a machine that does other things too.
vi.setConfig({ testTimeout: 60_000 });

const MINUTE_MS = 60_000;
const QUARTER_MS = 15 * MINUTE_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const ZONES_WITHOUT_CHANGES = ["UTC", "Asia/Kolkata", "Asia/Tokyo", "Africa/Lagos"];
/** Both hemispheres, a change at midnight, one of half an hour, one by the offset of a country. */
const ZONES_WITH_CHANGES = [
  "Europe/Berlin",
  "America/New_York",
  "America/Sao_Paulo",
  "Australia/Lord_Howe",
  "Pacific/Auckland",
  "Africa/Casablanca",
  "Asia/Beirut",
];

/** Of a field from `min` to `max`: any, steps, one value, a range, a list. */
function field(min: number, max: number): fc.Arbitrary<string> {
  const value = fc.integer({ min, max });
  const range = fc
    .tuple(value, value)
    .map(([one, other]) => `${Math.min(one, other)}-${Math.max(one, other)}`);
  return fc.oneof(
    { weight: 3, arbitrary: fc.constant("*") },
    fc.integer({ min: 2, max: max - min }).map((step) => `*/${step}`),
    { weight: 3, arbitrary: value.map(String) },
    range,
    fc.uniqueArray(value, { minLength: 2, maxLength: 4 }).map((values) => values.join(",")),
  );
}

/** Mostly of every day, so that the changes of the clocks are met. */
function day(min: number, max: number): fc.Arbitrary<string> {
  return fc.oneof({ weight: 4, arbitrary: fc.constant("*") }, field(min, max));
}

const timeOfDay = fc.tuple(field(0, 59), field(0, 23));
const expression = fc
  .tuple(timeOfDay, day(1, 28), day(1, 12), day(0, 6))
  .map(([[minute, hour], date, month, weekday]) => `${minute} ${hour} ${date} ${month} ${weekday}`);
const instant = fc.integer({ min: Date.UTC(2015, 0), max: Date.UTC(2026, 0) });

function ours(cron: string, zone: string, fromMs: number, count: number): number[] {
  const ticks = cronTicks(cron, zone);
  const found: number[] = [];
  let at = ticks.after(fromMs);
  while (at !== undefined && found.length < count) {
    found.push(at);
    at = ticks.after(at);
  }
  return found;
}

function theirs(cron: string, zone: string, fromMs: number, count: number): number[] {
  const ticks = CronExpressionParser.parse(cron, { tz: zone, currentDate: new Date(fromMs) });
  return Array.from({ length: count }, () => ticks.next().getTime());
}

const formats = new Map<string, Intl.DateTimeFormat>();
const offsets = new Map<string, number>();

/** What the clock on the wall shows, as if it were UTC, at a full minute. */
function wallMs(zone: string, ms: number): number {
  return ms + offsetMs(zone, ms);
}

/** Clocks are changed at a quarter of an hour, at the finest. */
function offsetMs(zone: string, ms: number): number {
  const quarter = Math.floor(ms / QUARTER_MS) * QUARTER_MS;
  const name = `${zone} ${quarter}`;
  const known = offsets.get(name) ?? shownAt(zone, quarter) - quarter;
  offsets.set(name, known);
  return known;
}

function shownAt(zone: string, ms: number): number {
  const format =
    formats.get(zone) ??
    new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
    });
  formats.set(zone, format);
  const shown = new Map(format.formatToParts(ms).map((part) => [part.type, Number(part.value)]));
  const of = (type: Intl.DateTimeFormatPartTypes): number => shown.get(type) ?? 0;
  return Date.UTC(of("year"), of("month") - 1, of("day"), of("hour"), of("minute"));
}

interface Change {
  readonly atMs: number;
  /** Positive: the clocks go forward. */
  readonly byMs: number;
}

/** Where the clocks are changed within a span. */
function changes(zone: string, fromMs: number, toMs: number): Change[] {
  const found: Change[] = [];
  for (let day = fromMs; day < toMs; day += DAY_MS) {
    const byMs = offsetMs(zone, day + DAY_MS) - offsetMs(zone, day);
    if (byMs === 0) continue;
    let atMs = Math.floor(day / QUARTER_MS) * QUARTER_MS;
    while (offsetMs(zone, atMs) === offsetMs(zone, day)) atMs += QUARTER_MS;
    found.push({ atMs, byMs });
  }
  return found;
}

const MOMENTS: readonly { readonly zone: string; readonly atMs: number }[] =
  ZONES_WITH_CHANGES.flatMap((zone) =>
    changes(zone, Date.UTC(2018, 0), Date.UTC(2019, 0)).map(({ atMs }) => ({ zone, atMs })),
  );

/** cron-parser gives up on a change by half an hour: "loop limit exceeded". */
const THEIRS_FAIL = "Australia/Lord_Howe";

const KNOWN_DIFFERENCES: Record<string, (tick: number, change: Change) => boolean> = {
  /** 2:30 does not exist: at 3:30 with them, at 3:00 with us. Theirs also when the hour is one of `*\/2`. */
  "a skipped time is shifted by the length of the gap": (tick, { atMs, byMs }) =>
    byMs > 0 && tick >= atMs && tick < atMs + byMs,
  /** Which times of those that exist twice they take both times depends on the field that is a wildcard. */
  "a time that exists twice": (tick, { atMs, byMs }) =>
    byMs < 0 && tick >= atMs + byMs && tick < atMs - byMs,
};

/** Searching from within a time that exists twice, theirs also leaves out that hour of the next day it finds. */
function isLostByThem(tick: number, zone: string, fromMs: number): boolean {
  return changes(zone, fromMs - 2 * DAY_MS, fromMs + 2 * DAY_MS).some(
    ({ atMs, byMs }) =>
      byMs < 0 &&
      fromMs >= atMs + byMs &&
      fromMs < atMs - byMs &&
      hourOf(zone, tick) === hourOf(zone, atMs),
  );
}

function hourOf(zone: string, ms: number): number {
  return Math.floor(wallMs(zone, ms) / HOUR_MS) % 24;
}

function isKnown(tick: number, zone: string): boolean {
  const near = changes(zone, tick - 2 * DAY_MS, tick + 2 * DAY_MS);
  return near.some((change) =>
    Object.values(KNOWN_DIFFERENCES).some((explains) => explains(tick, change)),
  );
}

describe("against cron-parser", () => {
  test("the same where the clocks are never changed", () => {
    const zone = fc.constantFrom(...ZONES_WITHOUT_CHANGES);
    fc.assert(
      fc.property(expression, zone, instant, (cron, timeZone, fromMs) => {
        expect(ours(cron, timeZone, fromMs, 10)).toEqual(theirs(cron, timeZone, fromMs, 10));
      }),
      { numRuns: 150 },
    );
  });

  test("elsewhere, but for the known differences where they are", () => {
    const moments = fc.constantFrom(...MOMENTS.filter(({ zone }) => zone !== THEIRS_FAIL));
    const before = fc.integer({ min: 0, max: 2 * DAY_MS });
    fc.assert(
      fc.property(expression, moments, before, (cron, { zone, atMs }, beforeMs) => {
        const fromMs = atMs - beforeMs;
        const [a, b] = [ours(cron, zone, fromMs, 12), theirs(cron, zone, fromMs, 12)];
        const untilMs = Math.min(a.at(-1) ?? 0, b.at(-1) ?? 0);
        const [inA, inB] = [new Set(a), new Set(b)];
        const onlyOurs = a.filter((t) => !inB.has(t) && !isLostByThem(t, zone, fromMs));
        const different = [...onlyOurs, ...b.filter((t) => !inA.has(t))];
        const unexplained = different.filter((t) => t <= untilMs && !isKnown(t, zone));
        expect(unexplained.map((t) => new Date(t).toISOString())).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });
});

/** The values that a field of {@link field} stands for. */
function valuesOf(text: string, max: number): (value: number) => boolean {
  if (text === "*") return () => true;
  if (text.startsWith("*/")) return (value) => value % Number(text.slice(2)) === 0;
  const parts = text.split(",").map((part) => part.split("-").map(Number));
  return (value) =>
    value <= max && parts.some(([low = 0, high = low]) => value >= low && value <= high);
}

/** All ticks of `minute hour * * *` within a span, by looking at each of its minutes. */
function searched(cron: string, zone: string, fromMs: number, toMs: number): number[] {
  const [minute = "", hour = ""] = cron.split(" ");
  const isMinute = valuesOf(minute, 59);
  const isHour = valuesOf(hour, 23);
  const matches = (wall: number): boolean =>
    isMinute((wall / MINUTE_MS) % 60) && isHour(Math.floor(wall / HOUR_MS) % 24);
  const isTimeOfDay = !/\*/.test(minute + hour);
  const found: number[] = [];
  let latestWall = wallMs(zone, fromMs - DAY_MS / 2);
  for (let ms = fromMs - DAY_MS / 2; ms < toMs; ms += MINUTE_MS) {
    const wall = wallMs(zone, ms);
    let fires = matches(wall) && !(isTimeOfDay && wall <= latestWall);
    // The clock has gone forward over a time of the day: it is now.
    for (let skipped = latestWall + MINUTE_MS; isTimeOfDay && skipped < wall; skipped += MINUTE_MS)
      fires ||= matches(skipped);
    if (fires && ms >= fromMs) found.push(ms);
    latestWall = Math.max(latestWall, wall);
  }
  return found;
}

test("where the clocks are changed, the rules hold for every expression and zone", () => {
  expect(MOMENTS.length).toBeGreaterThanOrEqual(2 * ZONES_WITH_CHANGES.length - 1);
  const hours = fc.oneof(field(0, 23), field(0, 3), field(0, 3));
  fc.assert(
    fc.property(
      fc.tuple(field(0, 59), hours),
      fc.constantFrom(...MOMENTS),
      ([minute, hour], { zone, atMs }) => {
        const cron = `${minute} ${hour} * * *`;
        const [fromMs, toMs] = [atMs - DAY_MS / 4, atMs + DAY_MS / 4];
        const expected = searched(cron, zone, fromMs, toMs);
        const found = ours(cron, zone, fromMs - 1, expected.length + 1).filter((t) => t < toMs);
        const shown = (ticks: number[]): string[] => ticks.map((t) => new Date(t).toISOString());
        expect(shown(found)).toEqual(shown(expected));
      },
    ),
    { numRuns: 100 },
  );
});

test("what was the last tick is so from either side", () => {
  const zone = fc.constantFrom(...ZONES_WITH_CHANGES, ...ZONES_WITHOUT_CHANGES);
  fc.assert(
    fc.property(expression, zone, instant, (cron, timeZone, fromMs) => {
      const ticks = cronTicks(cron, timeZone);
      const next = ticks.after(fromMs) ?? Number.NaN;
      expect(ticks.upTo(next)).toBe(next);
      expect(ticks.after(next - 1)).toBe(next);
      expect(ticks.upTo(next - 1) ?? 0).toBeLessThanOrEqual(fromMs);
    }),
    { numRuns: 150 },
  );
});
