import fc from "fast-check";
import { expect, test } from "vitest";
import { anyText, MEGABYTE, notKeys, textOf, utf8 } from "../test/texts.ts";
import type { Key } from "./key.ts";
import { redisSlot } from "./redis-slot.ts";

test.each([
  ["123456789", 12739],
  ["{foo}bar", 12182],
  ["foo{}{bar}", 8363],
  ["full_key", 10135],
  ["partial.{user}", 5474],
  ["partial.{}{user}", 12062],
  ["", 0],
])("%j is in slot %d, as in Redis", (key, slot) => {
  expect(redisSlot(key)).toBe(slot);
  expect(redisSlot(utf8(key))).toBe(slot);
});

const plain = anyText.map((text) => text.replaceAll(/[{}]/g, ""));

test("keys with one tag share the slot of the tag", () => {
  fc.assert(
    fc.property(plain, plain, anyText, (before, tag, after) => {
      fc.pre(tag !== "");
      const slot = redisSlot(tag);
      expect(redisSlot(`${before}{${tag}}${after}`)).toBe(slot);
      expect(redisSlot(utf8(`${before}{${tag}}${after}`))).toBe(slot);
    }),
  );
});

test("a tag begins at the first brace and ends at the next closing one", () => {
  expect(redisSlot("a{{b}}c")).toBe(redisSlot("{b"));
  for (const key of ["a}{b}{c}", "é}a{b}c", "}}{b}"]) {
    expect(redisSlot(key)).toBe(redisSlot("b"));
    expect(redisSlot(utf8(key))).toBe(redisSlot("b"));
  }
});

test("a text has the slot of its UTF-8 bytes, lone surrogates counting as U+FFFD", () => {
  fc.assert(
    fc.property(anyText, (text) => {
      expect(redisSlot(text)).toBe(redisSlot(utf8(text)));
    }),
  );
});

test("without a whole, non-empty tag the whole key counts", () => {
  for (const key of ["{", "}", "{}", "a{b", "a}b", "}{", "{}a{b}", "é{", "{é"]) {
    expect(redisSlot(`${key}x`)).not.toBe(redisSlot(`${key}y`));
  }
});

test("a short key after a long one with braces sees nothing of them", () => {
  redisSlot("é".repeat(10) + "{".repeat(5) + "}".repeat(100));
  const slot = redisSlot(utf8("é{abc"));
  expect(redisSlot("é{abc")).toBe(slot);
});

test("a key of 1 MB is hashed whole", () => {
  const text = textOf(MEGABYTE, "mixed").replaceAll("{", "(");
  expect(redisSlot(text)).toBe(redisSlot(utf8(text)));
  expect(redisSlot(`${text}a`)).not.toBe(redisSlot(`${text}b`));
});

test.each(notKeys)("refuses the key %s", (key) => {
  expect(() => redisSlot(key as Key)).toThrow(TypeError);
});
