import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { jsonCodec } from "./json.ts";

const codec = jsonCodec();

test("keeps whatever is JSON, broken texts and unusual keys too", () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: "binary" }), (value) => {
      // JSON has no -0, but fast-check's values do.
      if (JSON.stringify(value).includes("0") && hasNegativeZero(value)) return;
      expect(codec.decode(codec.encode(value))).toStrictEqual(value);
    }),
    { numRuns: 1000 },
  );
  const unusual = JSON.parse('{"__proto__":{"a":1},"toJSON":"x","half":"\\ud800"}');
  expect(codec.decode(codec.encode(unusual))).toStrictEqual(unusual);
});

test("the bytes are JSON in UTF-8", () => {
  expect(Buffer.from(codec.encode({ name: "Zoë" })).toString()).toBe('{"name":"Zoë"}');
});

test("a property that is undefined is left out", () => {
  expect(codec.decode(codec.encode({ a: undefined, b: 1 }))).toStrictEqual({ b: 1 });
});

describe("refuses what would come back different:", () => {
  test.each<[message: string, value: unknown]>([
    ["undefined", undefined],
    ["undefined at [1]", [1, undefined]],
    ["undefined at [0]", new Array(1)],
    ["NaN at .a", { a: Number.NaN }],
    ["Infinity", Number.POSITIVE_INFINITY],
    ["-0 at .a.b", { a: { b: -0 } }],
    ["a BigInt at .id", { id: 1n }],
    ["a function at .f", { f() {} }],
    ["a symbol", Symbol("s")],
    ["an instance of Date at .at", { at: new Date(0) }],
    ["an instance of Map", new Map()],
    ["an instance of Uint8Array at .bytes", { bytes: new Uint8Array(1) }],
  ])("%s", (message, value) => {
    expect(() => codec.encode(value)).toThrow(
      `a cached value cannot keep ${message}: store plain data`,
    );
  });

  test("a cycle", () => {
    const cycle: Record<string, unknown> = {};
    cycle["self"] = cycle;
    expect(() => codec.encode(cycle)).toThrow("a cycle, or more than 1000 levels");
    expect(() => jsonCodec({ lossy: true }).encode(cycle)).toThrow(/cannot keep .* a cycle/);
  });
});

test("with lossy, values become what JSON makes of them", () => {
  const lossy = jsonCodec({ lossy: true });
  const value = { at: new Date(0), map: new Map([[1, 2]]), nan: Number.NaN };
  expect(lossy.decode(lossy.encode(value))).toEqual({
    at: "1970-01-01T00:00:00.000Z",
    map: {},
    nan: null,
  });
  expect(() => lossy.encode(() => {})).toThrow("cannot keep a function");
  expect(() => lossy.encode(1n)).toThrow("cannot keep");
});

test("options are checked", () => {
  expect(() => jsonCodec({ lossless: true } as object)).toThrow('unknown option "lossless"');
  expect(() => jsonCodec({ lossy: 1 as unknown as boolean })).toThrow(TypeError);
});

function hasNegativeZero(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return Object.is(value, -0);
  return Object.values(value).some(hasNegativeZero);
}
