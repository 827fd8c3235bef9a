import { expect, test } from "vitest";
import { LatencyEstimate } from "./latency-estimate.ts";

function estimate() {
  const target = { inFlight: 0 };
  return { target, of: new LatencyEstimate(target, { decayMs: 10_000, initialMs: 1_000 }) };
}

test("who is not known is the fastest while idle, and slow with a request under way", () => {
  const { target, of } = estimate();
  expect(of.estimateAt(0)).toBe(0);
  target.inFlight = 1;
  expect(of.estimateAt(0)).toBe(1_000);
});

test("the first answer is the estimate; a peak counts at once; both fade", () => {
  const { of } = estimate();
  of.update(4, 100);
  expect(of.estimateAt(100)).toBe(4);
  of.update(400, 200);
  expect(of.estimateAt(200)).toBe(400);
  expect(of.estimateAt(10_200)).toBeCloseTo(400 / Math.E, 9);
  of.update(4, 300);
  expect(of.estimateAt(300)).toBeGreaterThan(390);
});

test("an answer in no time leaves an estimate above 0", () => {
  const { of } = estimate();
  of.update(0, 0);
  expect(of.estimateAt(0)).toBeGreaterThan(0);
});

test("what is forgotten is not known", () => {
  const { target, of } = estimate();
  of.update(5_000, 0);
  of.forget();
  expect(of.estimateAt(0)).toBe(0);
  target.inFlight = 1;
  expect(of.estimateAt(0)).toBe(1_000);
});

test("a penalty ends after as long as it is: then nothing is known", () => {
  const { target, of } = estimate();
  of.update(4, 0);
  of.penalise(5_000, 100);
  expect(of.estimateAt(100)).toBe(5_000);
  expect(of.estimateAt(5_099)).toBeGreaterThan(3_000);
  expect(of.estimateAt(5_100)).toBe(0);
  target.inFlight = 1;
  expect(of.estimateAt(5_100)).toBe(1_000);
  of.update(6, 5_200);
  expect(of.estimateAt(5_200)).toBe(6);
});

test("a success does not end a penalty early", () => {
  const { of } = estimate();
  of.penalise(5_000, 0);
  of.update(4, 1_000);
  expect(of.estimateAt(1_000)).toBeGreaterThan(4_000);
});
