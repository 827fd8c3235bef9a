/** What a schedule is given, checked when it is given. */

import { requireKnownOptions, requireNonNegative } from "@headroom/core/options";
import { cronTicks } from "./cron-ticks.ts";
import { intervalTicks } from "./interval-ticks.ts";
import type { Ticks } from "./ticks.ts";

/** By the calendar, or every so often. */
export type ScheduleTiming = CronTiming | IntervalTiming;

export interface CronTiming {
  /**
   * Five fields, or six with the seconds first: `"0 3 * * *"`; `@daily`, `L`, `W` and `#` are understood.
   * What it does when the clocks are changed: see `cron-ticks.ts`.
   */
  readonly cron: string;
  /**
   * An IANA name: `"Europe/Berlin"`.
   * @default "UTC"
   */
  readonly timeZone?: string | undefined;
  readonly everyMs?: undefined;
}

export interface IntervalTiming {
  /** Counted from the epoch, a second at least: 3,600,000 is each full hour of UTC. */
  readonly everyMs: number;
  readonly cron?: undefined;
  readonly timeZone?: undefined;
}

/** Given to `data`, if that is a function. */
export interface ScheduledTick {
  /** The tick's time, not that of its firing: milliseconds since the epoch. */
  readonly atMs: number;
}

export type ScheduleOptions<Data> = ScheduleTiming & {
  /** The job's data: always the same, or made for each tick. */
  readonly data: Data | ((tick: ScheduledTick) => Data);
  /**
   * How late a tick may be fired that was missed because no process ran or the server was away. Of
   * several missed ones, only the last is. 0: none is, but for a delay of some seconds.
   * @default 3_600_000
   */
  readonly catchUpMs?: number | undefined;
  /** @default 0 */
  readonly priority?: number | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
};

export interface ScheduleRules {
  readonly name: string;
  readonly ticks: Ticks;
  readonly catchUpMs: number;
}

const CATCH_UP_MS = 3_600_000;
const NAME = /^[\w.-]{1,100}$/;
const KNOWN = ["cron", "timeZone", "everyMs", "data", "catchUpMs", "priority", "headers"];

/** @throws TypeError or RangeError naming the option that is wrong. */
export function scheduleRules(name: string, options: ScheduleOptions<unknown>): ScheduleRules {
  if (typeof name !== "string" || !NAME.test(name)) {
    throw new TypeError(
      "the name of a schedule must be 1 to 100 letters, digits, dots, dashes or underscores",
    );
  }
  requireKnownOptions(`schedule("${name}")`, options, KNOWN);
  if (!("data" in options)) throw new TypeError(`schedule("${name}"): data is missing`);
  const catchUpMs = requireNonNegative("catchUpMs", options.catchUpMs ?? CATCH_UP_MS);
  return { name, ticks: ticksOf(name, options), catchUpMs };
}

/** The data of one tick. */
export function dataOf<Data>({ data }: ScheduleOptions<Data>, tick: ScheduledTick): Data {
  return typeof data === "function" ? (data as (tick: ScheduledTick) => Data)(tick) : data;
}

function ticksOf(name: string, { cron, timeZone, everyMs }: ScheduleTiming): Ticks {
  if (cron !== undefined && everyMs === undefined) return cronTicks(cron, timeZone ?? "UTC");
  if (everyMs !== undefined && cron === undefined && timeZone === undefined) {
    return intervalTicks(everyMs);
  }
  throw new TypeError(
    `schedule("${name}") needs either cron, with a timeZone if it is not UTC, or everyMs`,
  );
}
