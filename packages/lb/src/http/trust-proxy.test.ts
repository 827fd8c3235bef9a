import { describe, expect, test } from "vitest";
import { type TrustProxy, trustFunction } from "./trust-proxy.ts";

describe("who is trusted", () => {
  test.each<[TrustProxy, string, number, boolean]>([
    [false, "127.0.0.1", 0, false],
    [true, "203.0.113.9", 5, true],
    [0, "127.0.0.1", 0, false],
    [2, "203.0.113.9", 1, true],
    [2, "203.0.113.9", 2, false],
    ["loopback", "127.8.8.8", 0, true],
    ["loopback", "::1", 0, true],
    ["loopback", "::ffff:127.0.0.1", 0, true],
    ["loopback", "10.0.0.1", 0, false],
    ["uniquelocal", "192.168.3.4", 3, true],
    ["loopback, 10.0.0.0/8", "10.200.0.1", 1, true],
    [["linklocal", "2001:db8::/32"], "2001:db8:1::1", 0, true],
    [["10.0.0.1"], "10.0.0.2", 0, false],
    ["", "127.0.0.1", 0, false],
    [[], "127.0.0.1", 0, false],
    ["loopback", "no address", 0, false],
    [(address, hop) => address === "a" && hop === 1, "a", 1, true],
    [(address, hop) => address === "a" && hop === 1, "a", 0, false],
  ])("%j: %s as hop %d is %s", (trustProxy, address, hop, trusted) => {
    const trusts = trustFunction(trustProxy);
    expect(trusts(address, hop)).toBe(trusted);
    expect(trusts(address, hop)).toBe(trusted); // from memory
  });

  test("more peers than are remembered are judged as well", () => {
    const trusts = trustFunction("10.0.0.0/16");
    for (let peer = 0; peer < 5_000; peer++) {
      const inside = `10.0.${peer >> 8}.${peer & 255}`;
      expect(trusts(inside, 0)).toBe(true);
      expect(trusts(inside.replace("10.0", "10.1"), 0)).toBe(false);
    }
  });
});

test.each([
  ["300.0.0.1", TypeError],
  ["loopbak", TypeError],
  ["10.0.0.0/33", TypeError],
  [["10.0.0.1", 5], TypeError],
  [{ proxy: true }, TypeError],
  [null, TypeError],
  [-1, RangeError],
  [1.5, RangeError],
  [Number.NaN, RangeError],
])("%j is refused at once", (trustProxy, kind) => {
  expect(() => trustFunction(trustProxy as TrustProxy)).toThrow(kind);
  expect(() => trustFunction(trustProxy as TrustProxy)).toThrow(/^trustProxy/);
});
