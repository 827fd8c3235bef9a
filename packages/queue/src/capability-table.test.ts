/** The table in the README says what each driver can: as the drivers do. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { Capabilities } from "./capabilities.ts";
import { memoryDriver } from "./memory/memory-driver.ts";
import { postgresDriver } from "./postgres/postgres-driver.ts";
import { redisDriver } from "./redis/redis-driver.ts";

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

test("the README's table of capabilities is that of the drivers", () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const [, inReadme] =
    /<!-- capabilities:[^\n]*-->\n([\s\S]*?)\n?<!-- \/capabilities -->/.exec(readme) ?? [];
  expect(inReadme).toBe(table());
});

test("no capability is missing in it", () => {
  for (const [, capabilities] of DRIVERS) {
    expect(Object.keys(capabilities).sort()).toEqual(Object.keys(MEANINGS).sort());
  }
});
