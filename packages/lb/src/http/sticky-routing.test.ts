import { expect, test } from "vitest";
import { createStickyCookie } from "./sticky-cookie.ts";
import { StickyRouting } from "./sticky-routing.ts";

const secret = "0123456789abcdef0123456789abcdef";
const routing = () => new StickyRouting(createStickyCookie({ secret, pool: "users" }));
const cookieOf = (setCookie: string | undefined): string[] => [
  "Cookie",
  `other=1; ${setCookie?.split(";")[0] ?? ""}`,
];

test("an answer sets the cookie of its target, and the next request asks for that target", () => {
  const sticky = routing();
  const ids = ["a", "b"];
  expect(sticky.targetOf([], ids)).toBeUndefined();
  const cookie = cookieOf(sticky.setCookie([], "b"));
  expect(sticky.targetOf(cookie, ids)).toBe("b");
  expect(sticky.setCookie(cookie, "b"), "it has it already").toBeUndefined();
  expect(sticky.setCookie(cookie, "a"), "another one has answered").toBeDefined();
});

test("follows the list of targets without being told", () => {
  const sticky = routing();
  const cookie = cookieOf(sticky.setCookie([], "c"));
  expect(sticky.targetOf(cookie, ["a"])).toBeUndefined();
  expect(sticky.targetOf(cookie, ["a", "c"])).toBe("c");
});

test("a cookie that was made up means nobody", () => {
  expect(routing().targetOf(["cookie", "headroom_lb=a"], ["a"])).toBeUndefined();
});
