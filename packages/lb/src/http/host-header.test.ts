import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isHost } from "./host-header.ts";

describe("the Host header", () => {
  test.each([
    "app.example",
    "APP.example:8080",
    "localhost",
    "my_service",
    "192.0.2.1:1",
    "[2001:db8::1]",
    "[::1]:65535",
    "[::ffff:192.0.2.1]",
    "a.",
    "app.example:",
  ])("%j is one", (value) => {
    expect(isHost(value)).toBe(true);
  });

  test.each([
    "",
    " ",
    "a b",
    "a,b",
    "a/b",
    "a\\b",
    "user@a",
    "a?b",
    "a#b",
    "http://a",
    ":80",
    "a:80:80",
    "a:8x",
    "a:123456",
    "[::1",
    "[]",
    "[g::1]",
    "[::1]x",
    "::1",
    "a%41",
    "a\t",
    "é",
  ])("%j is none", (value) => {
    expect(isHost(value)).toBe(false);
  });

  test("whatever it is, it has no part besides a host and a port", () => {
    const values = fc.string({
      unit: fc.constantFrom(..."a0.-_:[]/@?#\\% \t\r\n,"),
      maxLength: 12,
    });
    fc.assert(
      fc.property(values, (value) => {
        if (isHost(value)) expect(value).toMatch(/^([\w.-]+|\[[\da-f:.]+\])(:\d{0,5})?$/i);
      }),
      { numRuns: 2_000 },
    );
  });
});
