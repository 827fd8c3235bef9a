import fc from "fast-check";
import { expect, test } from "vitest";
import { uuidBytes } from "./uuid.ts";

test("a UUID is the bytes of its digits, in either case", () => {
  fc.assert(
    fc.property(fc.uuid(), (uuid) => {
      const digits = uuid.replaceAll("-", "").toLowerCase();
      const hex = (view: DataView): string => Buffer.from(view.buffer).toString("hex");
      expect(hex(uuidBytes(uuid))).toBe(digits);
      expect(hex(uuidBytes(uuid.toUpperCase()))).toBe(digits);
    }),
  );
});

const UUID = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";

test("any other character in any place is refused", () => {
  for (let at = 0; at < UUID.length; at++) {
    for (const wrong of [
      "g",
      "G",
      "/",
      ":",
      "@",
      "`",
      " ",
      "é",
      "１",
      UUID[at] === "-" ? "0" : "-",
    ]) {
      const text = UUID.slice(0, at) + wrong + UUID.slice(at + 1);
      expect(() => uuidBytes(text), text).toThrow(RangeError);
    }
  }
});

test.each(["", UUID.replaceAll("-", ""), `{${UUID}}`, ` ${UUID}`, UUID.slice(1), "x".repeat(100)])(
  "the form %j is refused",
  (text) => {
    expect(() => uuidBytes(text)).toThrow(
      /^A UUID must be 32 hexadecimal digits in groups of 8-4-4-4-12/,
    );
  },
);

test("the refused text is not told: it may be the id of a session", () => {
  expect(() => uuidBytes(`x${UUID.slice(1)}`)).toThrow(
    new RangeError(
      "A UUID must be 32 hexadecimal digits in groups of 8-4-4-4-12, got 36 other characters",
    ),
  );
});

test("what is no string is refused", () => {
  expect(() => uuidBytes(new Uint8Array(16) as never)).toThrow(TypeError);
});
