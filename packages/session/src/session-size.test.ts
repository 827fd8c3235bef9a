import { expect, test } from "vitest";
import { requireWithin } from "./session-size.ts";

test("bytes of all fields count, and the largest is named", () => {
  const fields = new Map([
    ["cart", '"éé"'],
    ["a", "1"],
  ]);
  expect(() => requireWithin(7, fields)).not.toThrow();
  expect(() => requireWithin(6, fields)).toThrow(
    /has 7 bytes, of 6 allowed; its largest field is "cart" with 6/,
  );
  expect(() => requireWithin(6, fields)).toThrow(
    expect.objectContaining({ code: "SESSION_TOO_LARGE" }),
  );
});
