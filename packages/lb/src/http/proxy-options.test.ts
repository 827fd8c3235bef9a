import { expect, test } from "vitest";
import { type ProxyOptions, proxyRules } from "./proxy-options.ts";

test("without options nothing is added and nobody is trusted", () => {
  expect(proxyRules("users", {})).toMatchObject({
    pool: "users",
    prefix: "",
    key: undefined,
    sticky: undefined,
    onError: undefined,
  });
});

test.each([
  [{ trustProxi: true }, /unknown option "trustProxi", did you mean "trustProxy"/],
  [{ prefix: "v2" }, /prefix/],
  [{ key: "id" }, /key must be a function/],
  [{ sticky: { secret: "short" } }, /secret/],
  [{ limits: { maxHeaders: 0 } }, /maxHeaders/],
  [{ limits: { maxBodyBytes: -1 } }, /maxBodyBytes/],
  [{ limits: { maxBody: 1 } }, /maxBody/],
  [{ onError: "no" }, /onError must be a function/],
  [{ trustProxy: "not an address" }, /trustProxy/],
] as unknown as [ProxyOptions, RegExp][])("refuses %j", (options, message) => {
  expect(() => proxyRules("users", options)).toThrow(message);
});
