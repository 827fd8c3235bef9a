import { isDeepStrictEqual } from "node:util";
import { runInNewContext } from "node:vm";
import { isHeadroomError } from "@headroom/core/errors";
import fc from "fast-check";
import { Packr } from "msgpackr";
import { describe, expect, test } from "vitest";
import { anyBytes, anyPlainData } from "../../test/plain-data.ts";
import { structuredCodec } from "./structured.ts";

const codec = structuredCodec();
const roundTrip = (value: unknown): unknown => codec.decode(codec.encode(value));

describe("keeps", () => {
  test.each<[what: string, value: unknown]>([
    ["undefined", undefined],
    ["null", null],
    [
      "NaN, infinities and -0",
      [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0],
    ],
    ["-0 alone", -0],
    ["-0 as a property and in a map", { a: -0, b: new Map([["c", -0]]), d: 0 }],
    [
      "integers up to the largest safe one",
      [2 ** 31, -(2 ** 31) - 1, 2 ** 32, Number.MAX_SAFE_INTEGER],
    ],
    ["small and large fractions", [5e-324, 1.1, Number.MAX_VALUE]],
    [
      "BigInts of any size",
      [0n, -1n, 2n ** 63n, -(2n ** 63n) - 1n, 2n ** 64n, 7n ** 5000n, -(7n ** 50_000n)],
    ],
    [
      "dates, invalid and far ones too",
      [
        new Date(0),
        new Date(-1),
        new Date(1.5e12 + 7),
        new Date(8.64e15),
        new Date(-8.64e15),
        new Date(Number.NaN),
      ],
    ],
    [
      "maps by any key",
      new Map<unknown, unknown>([
        [{ a: 1 }, 1],
        [1, "one"],
        [null, undefined],
        [[1], new Map()],
      ]),
    ],
    ["sets, nested ones too", new Set<unknown>([1, "1", new Set([new Set()]), [2]])],
    ["buffers", { a: Buffer.from("bytes"), b: Buffer.alloc(0) }],
    [
      "typed arrays",
      [
        new Uint8Array([1, 2]),
        new Float64Array([1.5, -0]),
        new BigInt64Array([-1n]),
        new Uint8ClampedArray(3),
      ],
    ],
    ["array buffers", new Uint8Array([1, 2, 3]).buffer],
    ["properties that are undefined", { a: undefined, b: [undefined] }],
    [
      "half of a surrogate pair",
      ["\ud800", `a\udfff${"x".repeat(100)}`, { text: "\udc00" }, new Map([["a", "\ud800"]])],
    ],
    ["a broken text alone", "\ud800"],
    [
      "texts of all lengths and scripts",
      ["", "é".repeat(40), "語".repeat(300), "😀".repeat(70_000)],
    ],
    [
      "properties with names of methods",
      { constructor: "c", hasOwnProperty: 1, toJSON: 2, toString: null, length: 3, "": 4 },
    ],
    [
      "many shapes of objects",
      Array.from({ length: 300 }, (_, index) => ({
        [`k${index % 150}`]: index,
        x: { [`y${index}`]: 1 },
      })),
    ],
    [
      "an object with many properties",
      Object.fromEntries(Array.from({ length: 70_000 }, (_, index) => [`k${index}`, index])),
    ],
    [
      "a map with many entries",
      new Map(Array.from({ length: 70_000 }, (_, index) => [index, -index])),
    ],
  ])("%s", (_, value) => {
    expect(isDeepStrictEqual(roundTrip(value), value)).toBe(true);
  });

  test("buffers as buffers and byte arrays as byte arrays, with memory of their own", () => {
    const bytes = codec.encode({ buffer: Buffer.from("abc"), array: new Uint8Array([1]) });
    const { buffer, array } = codec.decode(bytes) as { buffer: Buffer; array: Uint8Array };
    expect(Buffer.isBuffer(buffer)).toBe(true);
    expect(Buffer.isBuffer(array)).toBe(false);
    bytes.fill(0);
    expect(buffer.toString()).toBe("abc");
    expect(buffer.buffer.byteLength).toBe(3);
  });

  test("cycles, through every kind of container", () => {
    const list: unknown[] = [];
    const map = new Map<unknown, unknown>();
    const set = new Set<unknown>([map]);
    const value = { list, map, set };
    list.push(value, set, -0);
    map.set("value", value).set(list, map);
    const back = roundTrip(value) as typeof value;
    expect(isDeepStrictEqual(back, value)).toBe(true);
    expect(back.list[0]).toBe(back);
    expect(back.map.get(back.list)).toBe(back.map);
    expect(back.set.has(back.map)).toBe(true);
  });

  test("that two places hold the same object, date or buffer", () => {
    const [object, date, buffer] = [{ a: 1 }, new Date(5), Buffer.from("x")];
    const back = roundTrip([object, date, buffer, object, date, buffer]) as unknown[];
    expect(back.slice(3)).toEqual(back.slice(0, 3));
    for (const index of [0, 1, 2]) expect(back[index + 3]).toBe(back[index]);
  });

  test("any plain data, whatever was encoded before", () => {
    fc.assert(
      fc.property(anyPlainData, (value) => {
        expect(isDeepStrictEqual(roundTrip(value), value)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  test("objects of another realm and without prototype, as usual ones", () => {
    const foreign: unknown = runInNewContext("({ a: [1, { b: 2 }] })");
    expect(roundTrip(foreign)).toStrictEqual({ a: [1, { b: 2 }] });
    expect(roundTrip(Object.assign(Object.create(null), { a: 1 }))).toStrictEqual({ a: 1 });
  });
});

class User {
  name = "Ada";
}

describe("refuses, naming what and where:", () => {
  test.each<[message: string, value: unknown]>([
    ["a function", () => {}],
    ["a function at .user.save", { user: { save() {} } }],
    ["a symbol at [3]", [1, 2, 3, Symbol("s")]],
    ["an instance of User at .users[1]", { users: [{}, new User()] }],
    ["an instance of Promise at .name", { name: Promise.resolve() }],
    ["an instance of WeakMap", new WeakMap()],
    ["an instance of TypeError at .error", { error: new TypeError("no") }],
    ["an instance of RegExp", /x/],
    ["an instance of DataView", new DataView(new ArrayBuffer(1))],
    ["an instance of SharedArrayBuffer", new SharedArrayBuffer(1)],
    ["an instance of Number", Object(1)],
    ["an instance of Later", new (class Later extends Date {})()],
    ["an instance of Bag", new (class Bag extends Map {})()],
    ["an instance of Pile", new (class Pile extends Set {})()],
    ["an instance of List", new (class List extends Array {})()],
    ['a function at ["a map\'s key"]', new Map([["a map's key", () => {}]])],
    ["an instance of User at […]", new Set([new User()])],
    ["a hole at [0]", new Array(1)],
    ['the key "__proto__" at .a', { a: JSON.parse('{"__proto__":{"b":1}}') }],
    ['the key "__keys__"', { __keys__: 1 }],
    ["a key with half of a surrogate pair", { "\ud800": 1 }],
    ["a key with half of a surrogate pair at .a", { a: new Map([["\ud800", 1]]) }],
    ["a member with half of a surrogate pair", new Set(["\ud800"])],
  ])("%s", (message, value) => {
    let caught: unknown;
    try {
      codec.encode(value);
    } catch (error) {
      caught = error;
    }
    expect(isHeadroomError(caught, "CACHE_VALUE_UNSUPPORTED")).toBe(true);
    expect((caught as Error).message).toBe(
      `a cached value cannot keep ${message}: store plain data`,
    );
  });

  test("what is nested more deeply than a thousand levels", () => {
    let deep: unknown = 1;
    for (let level = 0; level < 100_000; level++) deep = [deep];
    expect(() => codec.encode(deep)).toThrow("more than 1000 levels");
  });

  test("and goes on to work", () => {
    expect(() => codec.encode({ a: 1, b: () => {} })).toThrow("a function at .b");
    expect(roundTrip({ a: 1 })).toEqual({ a: 1 });
  });
});

describe("bytes of unknown origin", () => {
  const packr = new Packr({ structuredClone: true });

  test("give plain data or an error, never an instance of a class", () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        let value: unknown;
        try {
          value = codec.decode(bytes);
        } catch {
          return;
        }
        // Encoding refuses what is no plain data; keys that only it refuses are renamed by decoding.
        try {
          codec.encode(value);
        } catch (error) {
          expect(String(error)).toMatch(/levels|surrogate|__keys__|a hole|DataView/);
        }
      }),
      { numRuns: 5000 },
    );
  });

  test.each<[what: string, bytes: Uint8Array]>([
    ["an error", packr.pack(new TypeError("x"))],
    ["a regular expression", packr.pack(/(a+)+$/)],
    ["a shape whose name is no text", Buffer.from("d472409101c0", "hex")],
    ["an unknown extension", Buffer.from("d40500", "hex")],
    ["bundled strings", new Packr({ bundleStrings: true }).pack(["some text", "more text"])],
    ["a token that is never used", Buffer.from("c1c1", "hex")],
    ["nothing", Buffer.alloc(0)],
    ["more than one value", Buffer.concat([codec.encode(1), codec.encode(2)])],
    ["less than one value", codec.encode({ a: [1, 2, 3] }).subarray(0, -1)],
    ["a reference to nothing", Buffer.from("d67000000001", "hex")],
    ["a list said to have four billion members", Buffer.from("ddffffffff01", "hex")],
    ["a map said to have four billion entries", Buffer.from("dfffffffff0101", "hex")],
    ["an amendment of nothing", Buffer.from("c1c0", "hex")],
    ["a million lists in each other", Buffer.alloc(1_000_000, 0x91)],
  ])("%s is an error", (_, bytes) => {
    expect(() => codec.decode(bytes)).toThrow();
  });

  test("references to references do not multiply", () => {
    let value: unknown[] = [1];
    for (let level = 0; level < 200; level++) value = [value, value];
    const bytes = codec.encode(value);
    expect(bytes.length).toBeLessThan(5000);
    codec.decode(bytes);
    expect(() => codec.decode(Buffer.concat([bytes, Buffer.of(0)]))).toThrow(
      "bytes after the value",
    );
  });

  test("do not reach a prototype", () => {
    const forged = new Packr({ structuredClone: true });
    const { pack } = forged;
    const polluting = pack([[{}], {}, "__proto__", Buffer.from("x")]);
    codec.decode(Buffer.concat([Buffer.of(0xc1), polluting]));
    codec.decode(pack(JSON.parse('{"__proto__":{"polluted":true}}')));
    expect(Reflect.get({}, "polluted")).toBeUndefined();
    expect(Object.keys(Object.prototype)).toEqual([]);
  });
});
