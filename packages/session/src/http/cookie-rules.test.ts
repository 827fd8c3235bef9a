import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type CookieOptions,
  clearCookie,
  cookieRules,
  cookieValues,
  setCookie,
} from "./cookie-rules.ts";

test("the default is what OWASP asks for", () => {
  const rules = cookieRules({});
  expect(setCookie(rules, "v", 1_000)).toBe("__Host-sid=v; Path=/; Secure; HttpOnly; SameSite=Lax");
  expect(clearCookie(rules)).toBe(
    "__Host-sid=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
  );
});

test("a persistent cookie lives as long as the session may", () => {
  expect(setCookie(cookieRules({ persistent: true }), "v", 1_999)).toMatch(/; Max-Age=1$/);
});

test.each([
  [{ secure: false }, "sid=v; Path=/; HttpOnly; SameSite=Lax"],
  [
    { domain: "a.example" },
    "__Secure-sid=v; Path=/; Domain=a.example; Secure; HttpOnly; SameSite=Lax",
  ],
  [{ path: "/app" }, "__Secure-sid=v; Path=/app; Secure; HttpOnly; SameSite=Lax"],
  [{ sameSite: "none" }, "__Host-sid=v; Path=/; Secure; HttpOnly; SameSite=None"],
] as const)("%o gives %s", (options, cookie) => {
  expect(setCookie(cookieRules(options), "v", 0)).toBe(cookie);
});

test.each([
  [{ name: "__Host-x", domain: "a.example" }, /browsers drop it/],
  [{ name: "__Host-x", path: "/a" }, /browsers drop it/],
  [{ name: "__Secure-x", secure: false }, /needs secure/],
  [{ sameSite: "none", secure: false }, /needs secure/],
  [{ sameSite: "Lax" }, /sameSite must be lax, strict or none/],
  [{ name: "a=b" }, /token of RFC 6265/],
  [{ path: "/a; Domain=evil" }, /cookie.path/],
  [{ path: "a" }, /cookie.path/],
  [{ domain: "a;b" }, /cookie.domain/],
  [{ httpOnly: true }, /httpOnly/],
] as const)("%o is refused where a browser would drop it", (options, message) => {
  expect(() => cookieRules(options as unknown as CookieOptions)).toThrow(message);
});

test("the values of a name are found, in order, four at most", () => {
  const header = 'a=1; sid=x; sidd=2;sid="y" ; =3; sid=; sid=z; sid=w';
  expect(cookieValues(header, "sid")).toEqual(["x", "y", "", "z"]);
  expect(cookieValues(undefined, "sid")).toEqual([]);
  expect(cookieValues(`sid=${"x".repeat(40_000)}`, "sid")).toEqual([]);
});

test("no header does harm", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 200 }), (header) => {
      expect(cookieValues(header, "sid").length).toBeLessThanOrEqual(4);
    }),
  );
});
