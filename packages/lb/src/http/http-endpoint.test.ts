import { expect, test } from "vitest";
import { httpEndpoint, targetOptions } from "./http-endpoint.ts";

test.each([
  ["http://10.0.0.1:3000", "10.0.0.1:3000"],
  [new URL("https://api.example"), "api.example:443"],
  ["http://api.example/", "api.example:80"],
  ["http://[::1]:8080", "[::1]:8080"],
])("the id of %s is %s", (url, id) => {
  expect(targetOptions(url, String).id).toBe(id);
});

test("options go to the balancer, the URL to the target", () => {
  const options = { url: "http://10.0.0.1:3000", weight: 2, zone: "a", priority: 1 };
  expect(targetOptions(options, (server) => String(server))).toEqual({
    id: "10.0.0.1:3000",
    target: "http://10.0.0.1:3000/",
    weight: 2,
    zone: "a",
    priority: 1,
  });
  expect(targetOptions({ url: "http://x", id: "mine" }, String).id).toBe("mine");
});

test("an endpoint of a URL", () => {
  expect(httpEndpoint("https://api.example:8443", "http")).toEqual({
    origin: "https://api.example:8443",
    hostname: "api.example",
    address: undefined,
    secure: true,
  });
  expect(httpEndpoint("http://[::1]:1", "http")).toMatchObject({ hostname: "::1", secure: false });
});

test.each([
  [
    "http",
    { hostname: "api.internal", address: "10.0.0.7", port: 8080 },
    "http://api.internal:8080",
  ],
  ["https", { hostname: "api.internal", address: "10.0.0.7" }, "https://api.internal"],
  ["http", { hostname: "2001:db8::1", address: "2001:db8::1", port: 80 }, "http://[2001:db8::1]"],
] as const)("an endpoint over %s of what DNS found: %o", (protocol, found, origin) => {
  const { hostname, address } = found;
  const secure = protocol === "https";
  expect(httpEndpoint(found, protocol)).toEqual({ origin, hostname, address, secure });
});

test.each([
  "10.0.0.1:3000",
  "",
  "not a url",
  "ftp://x",
  "http://x/path",
  "http://x/?q",
  "http://x/#f",
  "http://user@x",
  7 as never,
  null as never,
])("%o is no target", (server) => {
  expect(() => httpEndpoint(server, "http")).toThrow(TypeError);
});

test("what is wrong is told without its secrets", () => {
  expect(() => httpEndpoint("http://user:secret@x/", "http")).toThrow(/^((?!secret).)*$/);
  expect(() => httpEndpoint("secret secret secret", "http")).toThrow(/^((?!secret).)*$/);
});

test.each([
  { hostname: "a/b" },
  { hostname: "a?b" },
  { hostname: "a#b" },
  { hostname: "user@host" },
  { hostname: "" },
  { hostname: "a", port: 70_000 },
  { hostname: "a", address: "b" },
])("%o is no address", (found) => {
  expect(() => httpEndpoint(found, "http")).toThrow(TypeError);
});
