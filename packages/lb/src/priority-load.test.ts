import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type PriorityHealth, type PriorityRules, priorityLoad } from "./priority-load.ts";

/** Envoy's defaults. */
const RULES: PriorityRules = { overprovisioning: 1.4, panicThreshold: 0.5 };

type Level = readonly [healthy: number, size: number];

/** `"2/4 1/1"`: two of four healthy, then one of one. */
function parse(levels: string): Level[] {
  return levels.split(" ").map((level) => {
    const [healthy = 0, size = 0] = level.split("/").map(Number);
    return [healthy, size];
  });
}

function loadOf(levels: string | readonly Level[], rules: Partial<PriorityRules> = {}) {
  const parsed = typeof levels === "string" ? parse(levels) : levels;
  const health = parsed.map(([healthy, size]) => ({
    healthyShare: size === 0 ? 0 : healthy / size,
    size,
  }));
  const { loads, panics } = priorityLoad(health, { ...RULES, ...rules });
  return { loads, panics: panics.map((panic) => (panic ? "panic" : "calm")) };
}

describe("the figures of Envoy's load_balancer_impl_base_test", () => {
  test.each<[name: string, healthy: string, loads: number[], panics: "calm" | "panic"]>([
    ["all healthy", "1/1 1/1", [100, 0], "calm"],
    ["two halves are enough", "2/4 2/4", [70, 30], "calm"],
    ["a healthy standby keeps a weak level calm", "1/4 2/2", [35, 65], "calm"],
    ["two quarters are not enough", "1/4 1/4", [50, 50], "panic"],
    ["all down, as many here as there", "0/1 0/1", [50, 50], "panic"],
    ["all down, half as many here", "0/1 0/2", [34, 66], "panic"],
    ["a third level takes all", "0/1 0/2 1/1", [0, 0, 100], "calm"],
    ["three healthy", "1/1 1/1 1/1", [100, 0, 0], "calm"],
    ["the third is not needed", "1/2 1/2 1/2", [70, 30, 0], "calm"],
    ["the second is enough", "1/4 2/2 1/2", [35, 65, 0], "calm"],
    ["it takes three quarters", "1/4 1/4 1/4", [35, 35, 30], "calm"],
    ["three fifths are not enough", "1/5 1/5 1/5", [34, 33, 33], "panic"],
    ["80 % of the last is enough", "0/5 0/5 4/5", [0, 0, 100], "calm"],
    ["40 % of the last is not", "0/5 0/5 2/5", [34, 33, 33], "panic"],
    ["all down, by size", "0/5 0/3 0/2", [50, 30, 20], "panic"],
    ["by size, what rounding leaves for the first", "0/5 2/6 1/3", [37, 42, 21], "panic"],
    ["by size, all alike", "0/3 0/3 0/3", [34, 33, 33], "panic"],
    ["by size, the first empty", "0/0 0/6 0/3", [0, 67, 33], "panic"],
  ])("%s: %s is %j", (_, healthy, loads, panics) => {
    expect(loadOf(healthy)).toEqual({ loads, panics: loads.map(() => panics) });
  });

  test("without overprovisioning, half healthy is half the load", () => {
    expect(loadOf("2/4 2/4", { overprovisioning: 1 }).loads).toEqual([50, 50]);
  });

  test("the share may be by weight (WeightedPriorityHealth)", () => {
    const levels = (healthyShare: number): PriorityHealth[] => [
      { healthyShare, size: 4 },
      { healthyShare: 1, size: 1 },
    ];
    const rules = { ...RULES, overprovisioning: 1 };
    expect(priorityLoad(levels(6 / 10), rules).loads).toEqual([60, 40]);
    expect(priorityLoad(levels(4 / 10), rules).loads).toEqual([40, 60]);
  });
});

describe("the tables of Envoy's documents, as its code reckons them", () => {
  test.each([
    ["100/100 100/100", [100, 0]],
    ["72/100 100/100", [100, 0]],
    ["71/100 100/100", [99, 1]],
    ["50/100 100/100", [70, 30]],
    ["25/100 100/100", [35, 65]],
    ["0/100 100/100", [0, 100]],
    ["72/100 72/100", [100, 0]],
    ["71/100 71/100", [99, 1]],
    ["50/100 50/100", [70, 30]],
    ["25/100 25/100", [50, 50]],
    ["72/100 72/100 100/100", [100, 0, 0]],
    ["71/100 71/100 100/100", [99, 1, 0]],
    ["25/100 25/100 100/100", [35, 35, 30]],
  ])("priority.rst: %s healthy is %j", (healthy, loads) => {
    expect(loadOf(healthy).loads).toEqual(loads);
  });

  test("priority.rst rounds 25/25/20 to 36/36/28 by hand; rounded down it is 37/35/28", () => {
    // Three levels that panic get their load by size, so panic is switched off here.
    const levels = "25/100 25/100 20/100";
    expect(loadOf(levels, { panicThreshold: 0 }).loads).toEqual([37, 35, 28]);
    expect(loadOf(levels).loads).toEqual([34, 33, 33]);
  });

  test("panic_threshold.rst: 5 and 65 %: one level panics and the other does not", () => {
    // 7/93 there; what rounding leaves goes to the first.
    expect(loadOf("5/100 65/100")).toEqual({ loads: [8, 92], panics: ["panic", "calm"] });
  });

  test("its 50/60 → 50/50 and 25/100 → 25/75 contradict the code: 70/30 and 35/65", () => {
    expect(loadOf("50/100 60/100").loads).toEqual([70, 30]);
    expect(loadOf("25/100 100/100").loads).toEqual([35, 65]);
  });
});

describe("panic", () => {
  test("begins below the threshold, not at it", () => {
    const rules = { overprovisioning: 1 };
    expect(loadOf("1/2", rules).panics).toEqual(["calm"]);
    expect(loadOf("49/100", rules).panics).toEqual(["panic"]);
    expect(loadOf("99/100", { ...rules, panicThreshold: 1 }).panics).toEqual(["panic"]);
  });

  test("never comes with a threshold of 0", () => {
    const calm = { loads: [100, 0], panics: ["calm", "calm"] };
    expect(loadOf("1/100 0/100", { panicThreshold: 0 })).toEqual(calm);
  });

  test("with a threshold of 0 and nothing healthy, nobody gets anything", () => {
    const nothing = { loads: [0, 0], panics: ["calm", "calm"] };
    expect(loadOf("0/4 0/2", { panicThreshold: 0 })).toEqual(nothing);
  });

  test("of levels without targets gives nobody anything", () => {
    expect(loadOf("0/0 0/0").loads).toEqual([0, 0]);
    expect(priorityLoad([], RULES)).toEqual({ loads: [], panics: [] });
  });
});

/** The same in integers of any size, straight from Envoy's formulas. */
function envoy(levels: readonly Level[], factorPercent: number, thresholdPercent: number) {
  const big = levels.map(([healthy, size]) => ({ healthy: BigInt(healthy), size: BigInt(size) }));
  const min = (a: bigint, b: bigint): bigint => (a < b ? a : b);
  const add = (numbers: bigint[]): bigint => numbers.reduce((a, b) => a + b, 0n);
  const health = big.map(({ healthy, size }) =>
    size === 0n ? 0n : min(100n, (BigInt(factorPercent) * healthy) / size),
  );
  const total = min(100n, add(health));
  const panics = big.map(
    ({ healthy, size }) =>
      total !== 100n &&
      (size === 0n ? thresholdPercent > 0 : 100n * healthy < BigInt(thresholdPercent) * size),
  );
  const isTotal = panics.every(Boolean);
  const isUnfit = !isTotal && total === 0n;
  const usable = big.findIndex(({ healthy, size }, at) => (panics[at] ? size : healthy) > 0n);
  const toOne = big.map((_, at) => (at === usable ? 1n : 0n));
  const parts = isTotal ? big.map(({ size }) => size) : isUnfit ? toOne : health;
  const whole = isTotal || isUnfit ? add(parts) : total;
  let left = whole === 0n ? 0n : 100n;
  const loads = parts.map((part) => {
    const load = whole === 0n ? 0n : min(left, (part * 100n) / whole);
    left -= load;
    return load;
  });
  const first = parts.findIndex((part) => part > 0n);
  return {
    loads: loads.map((load, at) => Number(at === first ? load + left : load)),
    panics: panics.map((panic) => (panic ? "panic" : "calm")),
  };
}

const anyLevels = fc.array(
  fc.tuple(fc.nat(200), fc.nat(200)).map(([a, b]): Level => [Math.min(a, b), Math.max(a, b)]),
  { minLength: 1, maxLength: 6 },
);
const percent = (min: number, max: number) => fc.integer({ min, max });

test("what doubles round down is not lost: 1.4 × 47/70 is 94 %", () => {
  expect(loadOf("47/70 1/1").loads).toEqual([94, 6]);
});

test("a healthy target in two hundred is picked, and nobody where there is none", () => {
  const rules = { overprovisioning: 1, panicThreshold: 0 };
  expect(loadOf("1/200", rules).loads).toEqual([100]);
  expect(loadOf("0/5 1/200 1/150", rules).loads).toEqual([0, 100, 0]);
  expect(loadOf("0/5 0/3", rules).loads).toEqual([0, 0]);
});

describe("for any levels", () => {
  test("it is what the integers give, whatever rounding doubles do", () => {
    fc.assert(
      fc.property(anyLevels, percent(100, 300), percent(0, 100), (levels, factor, threshold) => {
        const rules = { overprovisioning: factor / 100, panicThreshold: threshold / 100 };
        expect(loadOf(levels, rules)).toEqual(envoy(levels, factor, threshold));
      }),
      { numRuns: 2_000 },
    );
  });

  test("loads are whole and add up to 100, or to 0 when nobody may be picked", () => {
    fc.assert(
      fc.property(anyLevels, percent(100, 300), percent(0, 100), (levels, factor, threshold) => {
        const rules = { overprovisioning: factor / 100, panicThreshold: threshold / 100 };
        const { loads, panics } = loadOf(levels, rules);
        for (const load of loads) expect(Number.isInteger(load) && load >= 0).toBe(true);
        const mayPick = levels.some(
          ([healthy, size], at) => (panics[at] === "panic" ? size : healthy) > 0,
        );
        const total = loads.reduce((a, b) => a + b, 0);
        expect(total).toBe(mayPick ? 100 : 0);
      }),
    );
  });

  test("a level with load has somebody to pick", () => {
    fc.assert(
      fc.property(anyLevels, percent(0, 100), (levels, threshold) => {
        const { loads, panics } = loadOf(levels, { panicThreshold: threshold / 100 });
        loads.forEach((load, at) => {
          const [healthy, size] = levels[at] ?? [0, 0];
          if (load > 0) expect(panics[at] === "panic" ? size : healthy).toBeGreaterThan(0);
        });
      }),
    );
  });

  test("nobody panics while all together are fit for everything", () => {
    fc.assert(
      fc.property(anyLevels, (levels) => {
        const fitness = levels.reduce(
          (total, [healthy, size]) =>
            total + (size === 0 ? 0 : Math.min(100, Math.floor((140 * healthy) / size))),
          0,
        );
        if (fitness >= 100) expect(loadOf(levels).panics).not.toContain("panic");
      }),
    );
  });
});
