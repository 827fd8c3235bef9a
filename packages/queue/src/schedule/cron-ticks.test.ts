import { describe, expect, test } from "vitest";
import { cronTicks } from "./cron-ticks.ts";

const HOUR_MS = 3_600_000;

function between(cron: string, timeZone: string, from: string, to: string): string[] {
  const ticks = cronTicks(cron, timeZone);
  const found: string[] = [];
  let at = ticks.after(Date.parse(from) - 1);
  while (at !== undefined && at < Date.parse(to)) {
    found.push(new Date(at).toISOString().replace(":00.000Z", "Z"));
    at = ticks.after(at);
  }
  return found;
}

test("ticks are strictly after, and up to and with, an instant", () => {
  const ticks = cronTicks("0 * * * *", "UTC");
  const ten = Date.parse("2026-01-01T10:00:00Z");
  expect(ticks.after(ten - 1)).toBe(ten);
  expect(ticks.after(ten)).toBe(ten + HOUR_MS);
  expect(ticks.upTo(ten - 1)).toBe(ten - HOUR_MS);
  expect(ticks.upTo(ten)).toBe(ten);
  expect(ticks.upTo(ten + 999.5)).toBe(ten);
});

describe("a day of the clocks' change, in Berlin", () => {
  const forward = ["Europe/Berlin", "2026-03-29T00:00Z", "2026-03-29T03:00Z"] as const;
  const back = ["Europe/Berlin", "2026-10-25T00:00Z", "2026-10-25T03:00Z"] as const;

  test("2:30 does not exist: it fires at 3:00 in its stead", () => {
    expect(between("30 2 * * *", ...forward)).toEqual(["2026-03-29T01:00Z"]);
  });

  test("several skipped times of a day are one", () => {
    expect(between("0,30 2 * * *", ...forward)).toEqual(["2026-03-29T01:00Z"]);
    expect(between("15,45 2-3 * * *", ...forward)).toEqual([
      "2026-03-29T01:00Z",
      "2026-03-29T01:15Z",
      "2026-03-29T01:45Z",
    ]);
  });

  test("intervals go on as if nothing were", () => {
    expect(between("*/30 * * * *", ...forward)).toHaveLength(6);
    expect(between("*/30 * * * *", ...back)).toHaveLength(6);
    expect(between("15 */2 * * *", ...forward)).toEqual(["2026-03-29T02:15Z"]);
  });

  test("2:30 exists twice: it fires the first time", () => {
    expect(between("30 2 * * *", ...back)).toEqual(["2026-10-25T00:30Z"]);
    expect(between("0,30 2 * * *", ...back)).toEqual(["2026-10-25T00:00Z", "2026-10-25T00:30Z"]);
  });
});

test("where the clocks go forward at midnight, what is to be done at midnight is done", () => {
  expect(
    between("0 0 * * *", "America/Sao_Paulo", "2018-11-04T00:00Z", "2018-11-05T00:00Z"),
  ).toEqual(["2018-11-04T03:00Z"]);
});

test("either of the two days is enough; the last of a month and the second Monday are understood", () => {
  const november = ["UTC", "2026-11-01T00:00Z", "2026-12-01T00:00Z"] as const;
  expect(between("0 0 13 * 5", ...november)).toHaveLength(4); // Fridays, the 13th being one
  expect(between("0 0 L * *", ...november)).toEqual(["2026-11-30T00:00Z"]);
  expect(between("0 0 * * 1#2", ...november)).toEqual(["2026-11-09T00:00Z"]);
  expect(between("@weekly", ...november)).toHaveLength(5);
});

test.each([
  ["60 * * * *", /cron must be a cron expression, got "60 \* \* \* \*": Invalid value for minute/],
  ["* * * *", /cron must be .* "\* \* \* \*"/],
  ["0 0 0 1 1 * 2030", /cron must be/],
  ["2026-01-01T00:00:00", /cron must be/],
  ["@reboot", /cron must be/],
  ["0 0 30 2 *", /it never fires/],
  ["", /cron must be/],
])("%j is refused at once", (cron, message) => {
  expect(() => cronTicks(cron, "UTC")).toThrow(TypeError);
  expect(() => cronTicks(cron, "UTC")).toThrow(message);
});

test.each(["Mars/Base", "+01:00", ""])("the time zone %j is refused at once", (timeZone) => {
  expect(() => cronTicks("* * * * *", timeZone)).toThrow(TypeError);
  expect(() => cronTicks("* * * * *", timeZone)).toThrow(/timeZone must be the IANA name/);
});
