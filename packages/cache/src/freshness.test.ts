import { seededRandom } from "@headroom/core/random";
import { expect, test } from "vitest";
import {
  earlyWindow,
  type FreshnessRules,
  freshFor,
  keptFor,
  refreshesEarly,
} from "./freshness.ts";

const SEED = 5;
const RULES: FreshnessRules = {
  ttlMs: 60_000,
  jitter: 0.1,
  staleWhileRevalidateMs: 5_000,
  staleIfErrorMs: 20_000,
  earlyRefresh: 1,
};

test("chance shortens the time to live, by a tenth at most, and never lengthens it", () => {
  const random = seededRandom(SEED);
  const drawn = Array.from({ length: 1000 }, () => freshFor(RULES, 60_000, random));
  expect(Math.max(...drawn)).toBeLessThanOrEqual(60_000);
  expect(Math.min(...drawn)).toBeGreaterThanOrEqual(54_000);
  expect(Math.max(...drawn) - Math.min(...drawn)).toBeGreaterThan(5_500);
});

test("a store keeps a value for as long as it may be served stale", () => {
  expect(keptFor(RULES, 54_000.5)).toBe(74_001);
});

/** Readers at regular times, all of whom would wait for the value if it expired; one load, at once. */
function simulate(
  readsPerSecond: number,
  loadMs: number,
  beta: number,
): { loads: number; late: number } {
  const random = seededRandom(SEED);
  const rules = { ...RULES, earlyRefresh: beta };
  const stepMs = 1_000 / readsPerSecond;
  const periods = 200;
  let loads = 0;
  let late = 0;
  let expiresMs = RULES.ttlMs;
  let readyMs = Number.POSITIVE_INFINITY;
  for (let nowMs = 0; loads < periods; nowMs += stepMs) {
    if (nowMs >= readyMs) {
      expiresMs = readyMs + RULES.ttlMs;
      readyMs = Number.POSITIVE_INFINITY;
    }
    const leftMs = expiresMs - nowMs;
    if (leftMs <= 0) late++;
    const early =
      leftMs <= earlyWindow(rules, loadMs, RULES.ttlMs) &&
      refreshesEarly(rules, loadMs, leftMs, random);
    if ((leftMs <= 0 || early) && readyMs === Number.POSITIVE_INFINITY) {
      loads++;
      readyMs = nowMs + loadMs;
    }
  }
  return { loads, late: late / loads };
}

test("with many readers the next load has begun, and mostly ended, before the value expires", () => {
  const without = simulate(100, 1_000, 0);
  const withEarly = simulate(100, 1_000, 1);
  console.log(
    `seed ${SEED}: reads that found it expired, per load: ${without.late} → ${withEarly.late}`,
  );
  expect(without.late).toBeGreaterThan(99);
  expect(withEarly.late).toBeLessThan(10);
});

test("0 never loads early", () => {
  expect(earlyWindow({ ...RULES, earlyRefresh: 0 }, 1_000, 60_000)).toBe(0);
  expect(refreshesEarly({ ...RULES, earlyRefresh: 0 }, 1_000, 1, () => 0.999_999)).toBe(false);
});

test("far from its end a value is never loaded early, whatever is drawn", () => {
  const windowMs = earlyWindow(RULES, 100, 60_000);
  expect(windowMs).toBe(1_600);
  expect(refreshesEarly(RULES, 100, windowMs, () => 1 - 2 ** -23)).toBe(false);
});
