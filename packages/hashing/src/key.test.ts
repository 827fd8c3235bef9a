import { expect, test } from "vitest";
import { createRing, murmur3, redisSlot, xxh32, xxh64 } from "./index.ts";
import { refuseKey } from "./key.ts";

const wrong: [what: string, key: unknown][] = [
  ["number", 42],
  ["undefined", undefined],
  ["null", null],
  ["an array", ["a"]],
  ["object", {}],
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
  ["redisSlot", (key) => redisSlot(key)],
  ["locate", (key) => ring.locate(key)],
])("%s takes nothing else for a key", (_, use) => {
  for (const [, key] of wrong) expect(() => use(key as string)).toThrow(TypeError);
});
