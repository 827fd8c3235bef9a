import fc from "fast-check";
import { expect, test } from "vitest";
import { keyPrefix, localKey, localKeyOf, requireKey, storedKey } from "./cache-key.ts";

const anyKey = fc.oneof(
  fc.string({ unit: "binary", minLength: 1, maxLength: 900 }),
  fc.string({ unit: "binary-ascii", minLength: 1, maxLength: 100 }),
  fc.constantFrom("user:1", "a%62", "ab", "{x}", "}", "~", "x~y", "é", "\ud800", "__proto__"),
);

test("a plain key is itself in a store", () => {
  expect(keyPrefix("shop", "user") + storedKey("42")).toBe("shop:user:42");
});

test("different keys stay different, printable, bounded, and free of braces", () => {
  fc.assert(
    fc.property(anyKey, anyKey, (a, b) => {
      expect(storedKey(a)).toMatch(/^[!-z|~]{1,512}$/);
      expect(storedKey(a)).not.toMatch(/[{}]/);
      expect(storedKey(a) === storedKey(b)).toBe(a === b);
    }),
  );
});

test("names that contain the separator do not run into each other", () => {
  expect(keyPrefix("a:b", "c")).not.toBe(keyPrefix("a", "b:c"));
});

test("what a store calls a key leads back to its local key", () => {
  fc.assert(
    fc.property(anyKey, (key) => {
      expect(localKeyOf(storedKey(key))).toBe(localKey(key));
    }),
  );
});

test("different keys have different local keys", () => {
  fc.assert(
    fc.property(anyKey, anyKey, (a, b) => {
      expect(localKey(a) === localKey(b)).toBe(a === b);
    }),
  );
});

test.each([[42], [undefined], [null], [["a"]], [{ id: 1 }], [""], [true], [1n]])(
  "%o is refused as a key, by the name of its definition",
  (key) => {
    expect(() => requireKey("user", key)).toThrow(/^the key of "user" must be a string/);
  },
);
