import { expect, test } from "vitest";
import { dataOf, type ScheduleOptions, scheduleRules } from "./schedule-options.ts";

const three = Date.UTC(2026, 6, 1, 3);

test("cron is read in UTC unless a time zone is given", () => {
  const at = (options: object): number | undefined =>
    scheduleRules("nightly", { cron: "0 3 * * *", data: 1, ...options }).ticks.upTo(three);
  expect(at({})).toBe(three);
  expect(at({ timeZone: "Europe/Berlin" })).toBe(three - 2 * 3_600_000);
});

test("an hour may be caught up unless said otherwise", () => {
  expect(scheduleRules("a", { everyMs: 1_000, data: 1 }).catchUpMs).toBe(3_600_000);
  expect(scheduleRules("a", { everyMs: 1_000, data: 1, catchUpMs: 0 }).catchUpMs).toBe(0);
});

test("data are given, or made for each tick", () => {
  expect(dataOf({ everyMs: 1_000, data: { a: 1 } }, { atMs: 5 })).toEqual({ a: 1 });
  expect(dataOf({ everyMs: 1_000, data: ({ atMs }) => atMs }, { atMs: 5 })).toBe(5);
});

test.each<[string, object, RegExp]>([
  ["nightly", { data: 1 }, /schedule\("nightly"\) needs either cron/],
  ["nightly", { cron: "* * * * *", everyMs: 1_000, data: 1 }, /needs either cron/],
  ["nightly", { everyMs: 1_000, timeZone: "UTC", data: 1 }, /needs either cron/],
  ["nightly", { cron: "* * * * *" }, /data is missing/],
  ["nightly", { cron: "* * * * *", data: 1, timezone: "UTC" }, /did you mean "timeZone"/],
  ["nightly", { cron: "x", data: 1 }, /cron must be/],
  ["nightly", { everyMs: 1_000, data: 1, catchUpMs: -1 }, /catchUpMs/],
  ["night:ly", { everyMs: 1_000, data: 1 }, /the name of a schedule/],
])("%s %o is refused", (name, options, message) => {
  expect(() => scheduleRules(name, options as ScheduleOptions<unknown>)).toThrow(message);
});
