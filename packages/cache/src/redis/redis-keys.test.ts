import { redisSlot } from "@headroom/hashing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { RedisKeys, requireKeyPrefix } from "./redis-keys.ts";

const keys = new RedisKeys("hr", "shop");

test("a value, its lease, the clock of tags and the channel have these names", () => {
  const value = keys.value("shop:user:42");
  expect([value, keys.lease(value), keys.tags, keys.channel]).toEqual([
    "hr:{shop:user:42}",
    "hr:{shop:user:42}:l",
    "hr:{shop}:tags",
    "hr:{shop}:bus",
  ]);
});

test("a closing brace cannot end the hash tag early", () => {
  expect(keys.value("a}b")).toBe("hr:{a%7Db}");
  expect(keys.value("a%7Db")).toBe("hr:{a%257Db}");
  expect(keys.value("{a}")).toBe("hr:{{a%7D}");
});

const text = fc.oneof(
  fc.string({ unit: "grapheme", minLength: 1 }),
  fc.string({ unit: fc.constantFrom("{", "}", "%", "7", "D", ":", "l"), minLength: 1 }),
);

test("a value and its lease are always in one slot", () => {
  fc.assert(
    fc.property(text, (key) => {
      const value = keys.value(key);
      expect(redisSlot(keys.lease(value))).toBe(redisSlot(value));
    }),
  );
});

test("no two keys have the same names, and no value the name of a lease", () => {
  fc.assert(
    fc.property(text, text, (one, other) => {
      fc.pre(one !== other);
      const names = [keys.value(one), keys.value(other)];
      expect(new Set([...names, ...names.map((name) => keys.lease(name))]).size).toBe(4);
    }),
  );
});

test("a prefix with a brace is refused: it would be the hash tag of every key", () => {
  expect(requireKeyPrefix("keyPrefix", "hr:v2")).toBe("hr:v2");
  expect(() => requireKeyPrefix("keyPrefix", "{hr}")).toThrow(
    new RangeError('keyPrefix must be without braces, got "{hr}"'),
  );
  expect(() => requireKeyPrefix("keyPrefix", "")).toThrow(TypeError);
});
