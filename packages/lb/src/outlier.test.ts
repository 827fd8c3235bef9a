import { seededRandom } from "@headroom/core/random";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findOutliers, type OutlierRules, outlierThreshold } from "./outlier.ts";

/** Envoy's figures, and half for a rate that is bad in itself. */
const RULES: OutlierRules = { stdevFactor: 1.9, minHosts: 5, minSuccessRate: 0.5 };

type Rates = readonly (number | undefined)[];

describe("the threshold", () => {
  test("of {50, 100, 100, 100, 100} with 1.9 is 52, its mean 90 (Envoy's outlier_detection_impl_test)", () => {
    const { mean, threshold } = outlierThreshold([50, 100, 100, 100, 100], 1.9);
    expect([mean, threshold]).toEqual([90, 52]);
    const share = outlierThreshold([0.5, 1, 1, 1, 1], 1.9);
    expect(share.mean).toBeCloseTo(0.9, 12);
    expect(share.threshold).toBeCloseTo(0.52, 12);
  });

  test("of rates that are all the same is that rate", () => {
    expect(outlierThreshold([0.75, 0.75, 0.75], 1.9)).toEqual({ mean: 0.75, threshold: 0.75 });
    expect(outlierThreshold([0.25], 1.9)).toEqual({ mean: 0.25, threshold: 0.25 });
  });

  test("may be below 0: then nobody deviates", () => {
    expect(outlierThreshold([0, 0, 1, 1, 1], 1.9).threshold).toBeLessThan(0);
  });
});

describe("who deviates", () => {
  test.each<[name: string, rates: Rates, outliers: number[]]>([
    ["one that fails every second time", [0.6, 1, 1, 1, 1], [0]],
    ["wherever it is", [1, 1, 1, 1, 1, 0.7, 1], [5]],
    ["one below 85 % among four that are perfect", [1, 1, 0.84, 1, 1], [2]],
    ["not one that is a little worse, though two deviations off", [1, 1, 0.95, 1, 1], []],
    ["not one with a single failure of a hundred", [1, 1, 0.99, 1, 1], []],
    ["not one in a spread of rates", [0.75, 0.8, 0.85, 0.9, 0.95], []],
    ["not among four judged ones", [0.6, 1, 1, 1, undefined], []],
    ["five judged ones are enough", [undefined, 0.6, 1, undefined, 1, 1, 1], [1]],
  ])("%s: %j", (_, rates, outliers) => {
    expect(findOutliers(rates, RULES)).toEqual(outliers);
  });

  test("not one at the threshold", () => {
    const rules = { stdevFactor: 1, minHosts: 2, minSuccessRate: 0 };
    expect(outlierThreshold([0.25, 0.75], 1).threshold).toBe(0.25);
    expect(findOutliers([0.25, 0.75], rules)).toEqual([]);
    expect(findOutliers([0.25, 0.75], { ...rules, stdevFactor: 0.99 })).toEqual([0]);
  });

  test("minHosts and stdevFactor move the rule", () => {
    const rates = [0.6, 1, 1, 1];
    expect(findOutliers(rates, { ...RULES, minHosts: 4 })).toEqual([]); // √3 is less than 1.9
    expect(findOutliers(rates, { ...RULES, minHosts: 4, stdevFactor: 1.7 })).toEqual([0]);
  });
});

describe("who is bad", () => {
  test.each<[name: string, rates: Rates, outliers: number[]]>([
    ["one of two", [0.2, 1], [0]],
    ["one of three", [1, 0.49, 0.95], [1]],
    ["not at the limit", [0.5, 1], []],
    ["two of five, which hide each other from the deviation", [0, 1, 0.3, 1, 1], [0, 2]],
    ["the worst first", [0.3, 0.1, 1, 0.2], [1, 3, 0]],
    ["twice as often as the best", [0.25, 0.625], [0]],
    ["not less than twice as often", [0.25, 0.62], []],
    ["not when the best is bad too", [0.1, 0.45], []],
    ["one that always fails, when the best fails half the time", [0, 0.5], [0]],
  ])("%s: %j", (_, rates, outliers) => {
    expect(findOutliers(rates, RULES)).toEqual(outliers);
  });

  test("minSuccessRate moves the rule, and 0 switches it off", () => {
    expect(findOutliers([0.85, 1], { ...RULES, minSuccessRate: 0.9 })).toEqual([0]);
    expect(findOutliers([0, 1], { ...RULES, minSuccessRate: 0 })).toEqual([]);
  });
});

describe("nobody is singled out", () => {
  test.each<[name: string, rates: Rates]>([
    ["when nobody can be judged", [undefined, undefined, undefined]],
    ["when there is nobody", []],
    ["when only one can be judged", [undefined, 0, undefined]],
    ["when all fail always", [0, 0, 0, 0, 0, 0]],
    ["when two fail about as often", [0.4, 0.5]],
  ])("%s: %j", (_, rates) => {
    expect(findOutliers(rates, RULES)).toEqual([]);
  });

  test("when all fail alike, however many and however often", () => {
    const anyRules = fc.record({
      stdevFactor: fc.double({ min: 0.01, max: 5, noNaN: true }),
      minHosts: fc.integer({ min: 1, max: 10 }),
      minSuccessRate: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    const rate = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(rate, fc.integer({ min: 1, max: 40 }), anyRules, (alike, count, rules) => {
        expect(findOutliers(Array(count).fill(alike), rules)).toEqual([]);
      }),
    );
  });

  test("when twenty targets fail alike by chance, while Envoy's threshold names some of them", () => {
    const seed = 20;
    const random = seededRandom(seed);
    let named = 0;
    let belowThreshold = 0;
    for (let sweep = 0; sweep < 200; sweep++) {
      const rates = Array.from({ length: 20 }, () => {
        let successes = 0;
        for (let request = 0; request < 100; request++) if (random() < 0.98) successes++;
        return successes / 100;
      });
      const { threshold } = outlierThreshold(rates, RULES.stdevFactor);
      belowThreshold += rates.filter((each) => each < threshold).length;
      named += findOutliers(rates, RULES).length;
    }
    expect([named, belowThreshold > 100], `seed ${seed}`).toEqual([0, true]);
  });
});

describe("for any rates", () => {
  const rate = fc.double({ min: 0, max: 1, noNaN: true });
  const rates = fc.array(fc.option(rate, { nil: undefined }), { maxLength: 30, size: "max" });

  test("an outlier is judged, named once, and worse than each that is not one", () => {
    fc.assert(
      fc.property(rates, (given) => {
        const outliers = findOutliers(given, RULES);
        expect(new Set(outliers).size).toBe(outliers.length);
        const rateAt = (at: number): number => given[at] ?? Number.NaN;
        const sorted = outliers.map(rateAt);
        expect(sorted).toEqual([...sorted].sort((a, b) => a - b));
        const others = given.filter((each, at) => each !== undefined && !outliers.includes(at));
        for (const outlier of sorted) {
          for (const other of others) expect(outlier).toBeLessThan(other as number);
        }
      }),
    );
  });

  test("the best is never one, so somebody who is judged always stays", () => {
    fc.assert(
      fc.property(rates, (given) => {
        const best = Math.max(...given.map((each) => each ?? -1));
        for (const at of findOutliers(given, RULES)) expect(given[at]).toBeLessThan(best);
      }),
    );
  });

  test("of at least five, whoever is below Envoy's threshold and ten points off is one", () => {
    const many = fc.array(rate, { minLength: 5, maxLength: 30, size: "max" });
    fc.assert(
      fc.property(many, (given) => {
        const { mean, threshold } = outlierThreshold(given, RULES.stdevFactor);
        const outliers = new Set(findOutliers(given, RULES));
        given.forEach((each, at) => {
          if (each < threshold - 1e-9 && each < mean - 0.1 - 1e-9) {
            expect(outliers.has(at)).toBe(true);
          }
        });
      }),
    );
  });

  test("their order does not matter", () => {
    const distinct = fc.uniqueArray(fc.integer({ min: 0, max: 100 }), { maxLength: 20 });
    fc.assert(
      fc.property(distinct, (percents) => {
        const named = (list: readonly number[]): (number | undefined)[] =>
          findOutliers(
            list.map((percent) => percent / 100),
            RULES,
          ).map((at) => list[at]);
        // Sums depend on the order in the last digit; nobody is that near a limit but by accident.
        expect(named(percents).length).toBe(named([...percents].reverse()).length);
      }),
    );
  });
});
