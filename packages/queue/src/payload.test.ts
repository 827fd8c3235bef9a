import { inspect } from "node:util";
import fc from "fast-check";
import { expect, test } from "vitest";
import { decodePayload, encodePayload } from "./payload.ts";

const encode = (value: unknown, maxBytes = 100_000): string =>
  encodePayload("photos", "data", value, maxBytes);
const decode = (text: string): unknown => decodePayload("photos", "data", text);

function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = [value];
  return value;
}

test("what is JSON comes back as it was", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(value);
      fc.pre(!text.includes("__proto__"));
      expect(decode(encode(value))).toEqual(JSON.parse(text));
    }),
  );
});

const cycle: Record<string, unknown> = { a: {} };
cycle["b"] = { list: [cycle] };

test.each([
  [undefined, "data is undefined"],
  [() => 1, "data is a function"],
  [Symbol("s"), "data is a symbol"],
  [{ price: { exact: 10n } }, "data.price.exact is a bigint"],
  [cycle, "data.b.list[0] is a cycle"],
  [JSON.parse('{"a":{"__proto__":{"admin":true}}}'), "data.a.__proto__ is not allowed"],
  [{ constructor: { prototype: { admin: true } } }, "data.constructor is not allowed"],
  [nested(101), "data is more than 100 levels deep"],
  [
    {
      toJSON() {
        throw new Error("secret");
      },
    },
    "data cannot be JSON",
  ],
])("%o is refused with its path", (value, message) => {
  let thrown: unknown;
  try {
    encode(value);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toMatchObject({ code: "QUEUE_VALUE", queue: "photos", retryable: false });
  expect(String(thrown)).toContain(message);
});

test("a hundred levels, and words that only look dangerous, are fine", () => {
  expect(decode(encode(nested(100)))).toEqual(nested(100));
  const value = { text: "__proto__", constructor: "Bob", unicode: "\u0001\\u005f" };
  expect(decode(encode(value))).toEqual(value);
});

test.each([
  ["not json {", "is no JSON"],
  ['{"__proto__":1}', "__proto__"],
  ['{"\\u005f_proto__":{"admin":true}}', "__proto__"],
  ['{"constructor":{"prototype":{}}}', "constructor"],
  ["[".repeat(5_000) + "]".repeat(5_000), "levels deep"],
])("what somebody else wrote, %.20s, is refused", (text, message) => {
  expect(() => decode(text)).toThrow(message);
});

test("an error shows nothing of the data", () => {
  try {
    decode('{"password": "hunter2", ');
    expect.unreachable();
  } catch (error) {
    expect(inspect(error)).not.toContain("hunter2");
  }
});

test("the size is that of UTF-8", () => {
  expect(encode("é".repeat(10), 22)).toHaveLength(12);
  expect(() => encode("é".repeat(10), 21)).toThrow(
    expect.objectContaining({ code: "QUEUE_TOO_LARGE" }),
  );
  expect(() => encode("é".repeat(10), 21)).toThrow("22 bytes, more than maxBytes (21)");
});
