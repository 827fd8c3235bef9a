import { expect, test } from "vitest";
import { sizeOf } from "./size-of.ts";

const row = (index: number): object => ({ id: index, name: `name ${index}`, tags: ["a", "b"] });

test("bytes count as bytes, texts by their length and script", () => {
  expect(sizeOf(Buffer.alloc(10_000))).toBe(10_096);
  expect(sizeOf(new Float64Array(100))).toBe(896);
  expect(sizeOf(new ArrayBuffer(50))).toBe(146);
  expect(sizeOf("x".repeat(1000))).toBe(1016);
  expect(sizeOf("語".repeat(1000))).toBe(2016);
});

test.each([[null], [undefined], [0], [true], [Symbol("s")], [() => {}]])(
  "%o takes a word",
  (value) => {
    expect(sizeOf(value)).toBe(8);
  },
);

test("a BigInt takes what its digits take", () => {
  expect(sizeOf(2n ** 8000n)).toBe(1017);
});

test("a list of a million rows is estimated from a thousand values", () => {
  const rows = Array.from({ length: 1000 }, (_, index) => row(index));
  const [exact] = [rows.reduce((sum, each) => sum + sizeOf(each), 0)];
  const estimate = sizeOf(rows);
  expect(estimate).toBeGreaterThan(0.8 * exact);
  expect(estimate).toBeLessThan(1.2 * exact + 32 + 8 * 1000);
  expect(sizeOf(Array.from({ length: 1_000_000 }, () => 1))).toBe(32 + 16_000_000);
});

test("maps and sets count with what is in them", () => {
  const text = "x".repeat(500);
  expect(sizeOf(new Map([[text, Buffer.alloc(1000)]]))).toBe(64 + 40 + 516 + 1096);
  expect(sizeOf(new Set([text]))).toBe(64 + 40 + 516);
});

test("what is reachable twice is counted once, and cycles end", () => {
  const shared = Buffer.alloc(10_000);
  expect(sizeOf([shared, shared])).toBeLessThan(11_000);
  const cycle: unknown[] = [];
  cycle.push(cycle, cycle);
  expect(sizeOf(cycle)).toBeLessThan(100);
});

test("nesting without end is not followed to the end", () => {
  let deep: unknown = 1;
  for (let level = 0; level < 100_000; level++) deep = { deep };
  expect(sizeOf(deep)).toBeGreaterThan(50_000);
});

test("is a whole number, at least 1", () => {
  for (const value of ["", 5n, {}, [], new Map(), [[[1n]]]]) {
    expect(Number.isInteger(sizeOf(value))).toBe(true);
    expect(sizeOf(value)).toBeGreaterThanOrEqual(1);
  }
});
