/**
 * The ticks of a cron expression in a time zone.
 *
 * The calendar is croner's. What is decided here is what happens on the two days of the year on which
 * the clocks are changed, because that is what every scheduler is asked about after the fact. An
 * expression whose seconds, minutes and hours are all named (no `*`, no step: `30 2 * * *`,
 * `0,30 2-3 * * *`) means times of a day; any other one (every quarter of an hour) means intervals.
 *
 * - The clocks go forward, and a time does not exist. Times of a day: it fires when the clocks have
 *   gone forward (at 3:00, not at 2:30 nor at 3:30), once, also when several were skipped. Intervals:
 *   it does not fire, the intervals around it go on.
 * - The clocks go back, and a time exists twice. Times of a day: it fires the first time only.
 *   Intervals: both times, because both hours last an hour.
 *
 * So what is to be done once a day is done once a day, and what is to be done every quarter of an
 * hour is done every quarter of an hour. This is Vixie cron's rule of 1993, but for ranges and lists
 * in which it saw a wildcard only at the start of a field.
 *
 * Nothing here depends on when the process was started: croner's dates, which are no expressions, are refused.
 */

import { Cron } from "croner";
import type { Ticks } from "./ticks.ts";

/**
 * @param cron five fields, or six with the seconds first; `@daily` and its like; `L`, `W`, `#`. When both
 *   the day of the month and of the week are given, either is enough, as ever with cron.
 * @param timeZone an IANA name: `"Europe/Berlin"`, `"UTC"`.
 * @throws TypeError naming `cron` or `timeZone`, also when there is no such day.
 */
export function cronTicks(cron: string, timeZone: string): Ticks {
  requireTimeZone(timeZone);
  const calendar = calendarOf(cron, timeZone);
  const ticks: Ticks = {
    after: (ms) => calendar.nextRun(new Date(ms))?.getTime(),
    // Those before the next millisecond are those up to this one.
    upTo: (ms) => calendar.previousRuns(1, new Date(Math.floor(ms) + 1))[0]?.getTime(),
  };
  if (ticks.after(0) === undefined) throw unfit(cron, "it never fires");
  return ticks;
}

function calendarOf(cron: string, timeZone: string): Cron {
  if (typeof cron !== "string") throw unfit(String(cron), "it is no text");
  let calendar: Cron;
  try {
    calendar = new Cron(cron, {
      mode: "5-or-6-parts",
      timezone: timeZone,
      fixedTimeRule: "no-wildcard",
    });
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/^CronPattern: /, "") : "unreadable";
    throw unfit(cron, why, error);
  }
  if (calendar.getPattern() === undefined) throw unfit(cron, "it is a date");
  return calendar;
}

function unfit(cron: string, why: string, cause?: unknown): TypeError {
  const shown = JSON.stringify(cron.slice(0, 100));
  return new TypeError(`cron must be a cron expression, got ${shown}: ${why}`, { cause });
}

function requireTimeZone(timeZone: string): void {
  const isName = typeof timeZone === "string" && /^[a-z]/i.test(timeZone);
  try {
    if (isName) return void new Intl.DateTimeFormat("en", { timeZone });
  } catch {
    // Not known: said below.
  }
  const shown = JSON.stringify(String(timeZone).slice(0, 60));
  throw new TypeError(`timeZone must be the IANA name of a time zone, got ${shown}`);
}
