import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Ewma, PeakEwma } from "./ewma.ts";

const samples = fc.double({ min: 0.001, max: 1e6, noNaN: true });
const series = fc.array(fc.tuple(samples, fc.double({ min: 0, max: 1e6, noNaN: true })), {
  minLength: 1,
  maxLength: 100,
});

describe("the time-decayed mean", () => {
  test("does not exist before the first sample, and is the first sample then", () => {
    const ewma = new Ewma(1000);
    expect(ewma.mean).toBeUndefined();
    ewma.update(42, 5);
    expect(ewma.mean).toBe(42);
  });

  test("keeps 1/e of the past after its decay time", () => {
    const ewma = new Ewma(1000);
    ewma.update(100, 0);
    ewma.update(0, 1000);
    expect(ewma.mean).toBeCloseTo(100 / Math.E);
  });

  test("weighs a sample by the time since the one before, not by their number", () => {
    const [often, seldom] = [new Ewma(1000), new Ewma(1000)];
    often.update(100, 0);
    seldom.update(100, 0);
    for (let nowMs = 1; nowMs <= 500; nowMs++) often.update(20, nowMs);
    seldom.update(20, 500);
    expect(often.mean).toBeCloseTo(seldom.mean ?? Number.NaN, 9);
  });

  test("stays between the lowest and the highest sample", () => {
    fc.assert(
      fc.property(series, (steps) => {
        const ewma = new Ewma(1000);
        let nowMs = 0;
        for (const [sample, gapMs] of steps) {
          nowMs += gapMs;
          ewma.update(sample, nowMs);
        }
        const seen = steps.map(([sample]) => sample);
        expect(ewma.mean).toBeGreaterThanOrEqual(Math.min(...seen) * (1 - 1e-9));
        expect(ewma.mean).toBeLessThanOrEqual(Math.max(...seen) * (1 + 1e-9));
      }),
    );
  });

  test("takes a clock that goes back as no time passed", () => {
    const ewma = new Ewma(1000);
    ewma.update(100, 5000);
    ewma.update(1, 0);
    expect(ewma.mean).toBe(100);
    ewma.update(0, 6000);
    expect(ewma.mean).toBeCloseTo(100 / Math.E);
  });
});

describe("the peak EWMA", () => {
  // The scenarios of tower's `load/peak_ewma.rs`, without the factor for pending requests.
  test("an initial estimate decays, so that a newcomer is tried (tower: default_decay)", () => {
    const ewma = new PeakEwma(1000, 10, 0);
    expect(ewma.estimateAt(0)).toBe(10);
    expect(ewma.estimateAt(100)).toBeCloseTo(9.048, 3);
    expect(ewma.estimateAt(200)).toBeCloseTo(8.187, 3);
  });

  test("jumps to a peak at once and sinks with time (tower: compound_decay)", () => {
    const ewma = new PeakEwma(1000, 20, 0);
    ewma.update(200, 300);
    expect(ewma.estimateAt(300)).toBe(200);
    ewma.update(200, 400);
    expect(ewma.estimateAt(400)).toBe(200);
    expect(ewma.estimateAt(1400)).toBeLessThan(100);
    expect(ewma.estimateAt(11_400)).toBeLessThan(0.1);
  });

  test("comes down to faster samples as slowly as the mean does", () => {
    const [peak, mean] = [new PeakEwma(1000, 100, 0), new Ewma(1000)];
    mean.update(100, 0);
    for (const ewma of [peak, mean]) ewma.update(10, 700);
    expect(peak.estimateAt(700)).toBeCloseTo(mean.mean ?? Number.NaN);
  });

  test("is never below the latest sample nor above the highest", () => {
    fc.assert(
      fc.property(samples, series, (initial, steps) => {
        const ewma = new PeakEwma(1000, initial, 0);
        let nowMs = 0;
        let highest = initial;
        for (const [sample, gapMs] of steps) {
          nowMs += gapMs;
          highest = Math.max(highest, sample);
          ewma.update(sample, nowMs);
          expect(ewma.estimateAt(nowMs)).toBeGreaterThanOrEqual(sample * (1 - 1e-9));
          expect(ewma.estimateAt(nowMs)).toBeLessThanOrEqual(highest * (1 + 1e-9));
        }
      }),
    );
  });

  test("reading it, however often, changes nothing", () => {
    const [read, unread] = [new PeakEwma(1000, 50, 0), new PeakEwma(1000, 50, 0)];
    for (let nowMs = 0; nowMs < 900; nowMs += 10) read.estimateAt(nowMs);
    for (const ewma of [read, unread]) ewma.update(5, 1000);
    expect(read.estimateAt(1500)).toBe(unread.estimateAt(1500));
  });

  test("takes a clock that goes back as no time passed", () => {
    const ewma = new PeakEwma(1000, 10, 5000);
    expect(ewma.estimateAt(0)).toBe(10);
    ewma.update(1, 0);
    expect(ewma.estimateAt(5000)).toBe(10);
  });
});

test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -1])(
  "a sample of %s is no measurement and changes nothing",
  (sample) => {
    const [mean, peak] = [new Ewma(1000), new PeakEwma(1000, 10, 0)];
    mean.update(sample, 0);
    expect(mean.mean).toBeUndefined();
    mean.update(10, 0);
    for (const ewma of [mean, peak]) ewma.update(sample, 1000);
    expect(mean.mean).toBe(10);
    for (const ewma of [mean, peak]) ewma.update(0, 1000);
    expect(mean.mean).toBeCloseTo(10 / Math.E);
    expect(peak.estimateAt(1000)).toBeCloseTo(10 / Math.E);
  },
);

test("of two samples in one instant the first counts, and to the peak the slowest", () => {
  const [mean, peak] = [new Ewma(1000), new PeakEwma(1000, 1, 0)];
  for (const sample of [10, 50, 20]) {
    mean.update(sample, 0);
    peak.update(sample, 0);
  }
  expect(mean.mean).toBe(10);
  expect(peak.estimateAt(0)).toBe(50);
});

test("decay and initial estimate must be positive", () => {
  expect(() => new Ewma(0)).toThrow(/decayMs must be a positive number of milliseconds, got 0/);
  expect(() => new PeakEwma(-1, 1, 0)).toThrow(/decayMs must be a positive number/);
  expect(() => new PeakEwma(1000, 0, 0)).toThrow(/initial must be a positive number/);
});
