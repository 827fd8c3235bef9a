/** The tables in the README say what the code does. */

import { readFileSync } from "node:fs";
import * as channels from "@headroom/core/channels";
import { expect, test } from "vitest";
import type { Capabilities } from "./capabilities.ts";
import { defineQueue } from "./definition.ts";
import type { QueueErrorCode } from "./errors.ts";
import { memoryDriver } from "./memory/memory-driver.ts";
import { postgresDriver } from "./postgres/postgres-driver.ts";
import { redisDriver } from "./redis/redis-driver.ts";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");

const MEANINGS: Record<keyof Capabilities, string> = {
  delayMs: "the longest delay of a job",
  priorities: "how many; the highest number goes first",
  keys: "jobs of one key in their order",
  dedup: "none is added while another of its dedup key lives",
  extend: "leases last as long as they are extended",
  limits: "of all processes together",
  maxBacklog: "adding is refused when so many wait",
  results: "what a handler returned is kept: `addAndWait`",
  deadLetters: "what was given up is kept, listed, redriven",
  admin: "`find`, `list`, `cancel`, `pause`, `purge`, `progress`",
  schedules: "each tick once",
  flows: "parents wait for children",
  transactions: "`tx`, `completeIn`",
  durability: "what an acknowledged job survives: see below",
};

const anything = new Proxy({}, { get: () => () => {}, has: () => true });
const DRIVERS: readonly [string, Capabilities][] = [
  ["memory", memoryDriver().capabilities],
  ["Redis", redisDriver(anything as never).capabilities],
  ["PostgreSQL", postgresDriver(anything as never).capabilities],
];

function shown(value: unknown): string {
  if (typeof value === "boolean") return value ? "yes" : "no";
  return value === Number.POSITIVE_INFINITY ? "any" : String(value);
}

function table(): string {
  const names = Object.keys(MEANINGS) as (keyof Capabilities)[];
  const rows = names.map((name) => [
    `\`${name}\``,
    ...DRIVERS.map(([, capabilities]) => shown(capabilities[name])),
    MEANINGS[name],
  ]);
  const head = ["", ...DRIVERS.map(([name]) => name), ""];
  return [head, head.map(() => "---"), ...rows]
    .map((cells) => `| ${cells.join(" | ")} |`.replaceAll("|  |", "| |"))
    .join("\n");
}

test("the table of capabilities is that of the drivers", () => {
  const [, inReadme] =
    /<!-- capabilities:[^\n]*-->\n([\s\S]*?)\n?<!-- \/capabilities -->/.exec(readme) ?? [];
  expect(inReadme).toBe(table());
});

test("no capability is missing in it", () => {
  for (const [, capabilities] of DRIVERS) {
    expect(Object.keys(capabilities).sort()).toEqual(Object.keys(MEANINGS).sort());
  }
});

function section(title: string): string {
  const from = readme.indexOf(`## ${title}\n`);
  expect(from).toBeGreaterThan(0);
  return readme.slice(from, readme.indexOf("\n## ", from));
}

test("every channel has its row, and no other has one", () => {
  const named = [...section("Events").matchAll(/`(headroom\.queue\.\w+)`/g)].map(
    ([, name]) => name,
  );
  const all = Object.values(channels).flatMap((channel) => ("name" in channel ? channel.name : []));
  expect(named.sort()).toEqual(all.filter((name) => name.startsWith("headroom.queue.")).sort());
});

test("every option of defineQueue has its row", () => {
  const known = /options are (.*)/.exec(messageOf(() => defineQueue({ zzzzzz: 1 } as never)))?.[1];
  expect(known).toContain("name, queue");
  const rows = section("Options of `defineQueue`");
  for (const option of known?.split(", ") ?? [])
    expect(rows).toMatch(new RegExp(`\`${option}[.\`]`));
});

const CODES: Record<QueueErrorCode, true> = {
  QUEUE_FULL: true,
  QUEUE_INVALID: true,
  QUEUE_TOO_LARGE: true,
  QUEUE_VALUE: true,
  QUEUE_UNSUPPORTED: true,
  QUEUE_UNAVAILABLE: true,
  QUEUE_LEASE_LOST: true,
  QUEUE_CANCELLED: true,
  QUEUE_TIMEOUT: true,
  QUEUE_STOPPING: true,
  QUEUE_JOB_DEAD: true,
  QUEUE_RESULT_TIMEOUT: true,
  QUEUE_CLOSED: true,
  QUEUE_EVICTING: true,
};

test("every error has its row", () => {
  for (const code of Object.keys(CODES)) expect(section("Errors")).toContain(`\`${code}\``);
});

function messageOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    return String(error);
  }
  return "";
}
