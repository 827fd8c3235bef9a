import fc from "fast-check";
import { expect, test } from "vitest";
import { fieldText, fieldValue } from "./field-text.ts";

test("what is JSON comes back as it was", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
      const text = fieldText("field", value);
      expect(JSON.stringify(fieldValue(text))).toBe(text);
    }),
  );
});

test("what is not there in an object is left out", () => {
  expect(fieldText("field", { a: undefined, b: 1 })).toBe('{"b":1}');
});

class Cart {}
const cycle: { self?: unknown } = {};
cycle.self = cycle;

test.each([
  [{ at: new Date(0) }, /session field user\.at is a Date/],
  [[1, new Map()], /user\[1\] is a Map/],
  [Number.NaN, /user is NaN/],
  [{ a: { b: Number.POSITIVE_INFINITY } }, /user\.a\.b is Infinity/],
  [undefined, /user is a undefined/],
  [() => {}, /user is a function/],
  [1n, /user is a bigint/],
  [new Cart(), /user is a Cart/],
  [cycle, /nested more than 100 deep, or a cycle/],
] as const)("%o is refused, and where it is told", (value, message) => {
  expect(() => fieldText("user", value)).toThrow(message);
  expect(() => fieldText("user", value)).toThrow(
    expect.objectContaining({ code: "SESSION_VALUE" }),
  );
});

test("a prototype is not read from the store", () => {
  const value = fieldValue('{"__proto__":{"isAdmin":true},"a":[{"__proto__":1}]}');
  expect(value).toEqual({ a: [{}] });
  expect(Object.keys(value as object)).toEqual(["a"]);
});
