import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import {
  createRing,
  hashtext,
  ketamaHash,
  murmur3,
  redisSlot,
  xxh32,
  xxh64,
  xxh64Halves,
} from "./index.ts";
import { isBytes, refuseKey } from "./key.ts";

const wrong: [what: string, key: unknown][] = [
  ["number", 42],
  ["undefined", undefined],
  ["null", null],
  ["Array", ["a"]],
  ["Object", {}],
  ["Uint16Array", new Uint16Array(1)],
  ["ArrayBuffer", new ArrayBuffer(1)],
  ["symbol", Symbol("a")],
  ["boolean", true],
  ["bigint", 1n],
];

test.each(wrong)("a key that is %s is refused, and told so", (what, key) => {
  expect(() => refuseKey(key)).toThrow(
    new TypeError(`A key must be a string or a Uint8Array, got ${what}`),
  );
});

const ring = createRing(["a"]);

test.each<[name: string, use: (key: string) => unknown]>([
  ["murmur3", (key) => murmur3(key)],
  ["xxh32", (key) => xxh32(key)],
  ["xxh64", (key) => xxh64(key)],
  ["xxh64Halves", (key) => xxh64Halves(key)],
  ["hashtext", (key) => hashtext(key)],
  ["ketamaHash", (key) => ketamaHash(key)],
  ["redisSlot", (key) => redisSlot(key)],
  ["locate", (key) => ring.locate(key)],
])("%s takes nothing else for a key", (_, use) => {
  for (const [, key] of wrong) expect(() => use(key as string)).toThrow(TypeError);
});

test("bytes of another realm are bytes, what looks like them is not", () => {
  expect(isBytes(runInNewContext("new Uint8Array(1)"))).toBe(true);
  expect(isBytes(Buffer.from("a"))).toBe(true);
  expect(isBytes({ length: 1, 0: 97, [Symbol.toStringTag]: "Uint8Array" })).toBe(false);
  expect(isBytes(runInNewContext("new Uint16Array(1)"))).toBe(false);
});

test("every hash takes bytes of another realm", () => {
  const foreign: Uint8Array = runInNewContext("Uint8Array.of(97, 98, 99)");
  for (const hash of [murmur3, xxh32, xxh64, hashtext, ketamaHash, redisSlot]) {
    expect(hash(foreign)).toBe(hash("abc"));
  }
});
