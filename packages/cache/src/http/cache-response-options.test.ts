import { expect, test } from "vitest";
import { responseRules } from "./cache-response-options.ts";

test("by default nothing is cached that does not say so", () => {
  expect(responseRules({})).toMatchObject({
    name: "http",
    defaultTtlMs: 0,
    query: undefined,
    hosts: undefined,
    passMs: 10_000,
    label: "headroom",
  });
});

test.each<[object, RegExp]>([
  [{ defaultTtlMs: -1 }, /defaultTtlMs/],
  [{ query: "page" }, /query must be a list/],
  [{ hosts: [5] }, /hosts/],
  [{ tags: ["a"] }, /tags must be a function/],
  [{ maxBodyBytes: 0 }, /maxBodyBytes/],
  [{ label: "a b" }, /label must be a token/],
  [{ maxBodyByte: 5 }, /did you mean "maxBodyBytes"/],
])("%o is an error that says why", (options, message) => {
  expect(() => responseRules(options)).toThrow(message);
});
