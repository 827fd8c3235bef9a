import type { IncomingMessage } from "node:http";
import { expect, test } from "vitest";
import {
  bodyBytes,
  forwardedHeaders,
  forwardedPath,
  refuseRequest,
  routingOf,
} from "./proxied-request.ts";
import { proxyRules } from "./proxy-options.ts";

function request(options: Partial<IncomingMessage> = {}): IncomingMessage {
  const plain = {
    method: "GET",
    url: "/users/7",
    httpVersion: "1.1",
    httpVersionMinor: 1,
    rawHeaders: ["Host", "example.test"],
    socket: { remoteAddress: "10.1.2.3", localPort: 80 },
    ...options,
  };
  return plain as IncomingMessage;
}

const rules = proxyRules("users", { pseudonym: "test" });

test("a plain request is passed on", () => {
  expect(refuseRequest(request(), rules)).toBeUndefined();
});

test.each([
  [{ url: "//evil.test" }, "target-form"],
  [{ rawHeaders: ["Host", "a", "Host", "b"] }, "host-repeated"],
  [{ rawHeaders: ["Host", "a", "Via", "1.1 test"] }, "loop"],
])("%j is refused: %s", (options, reason) => {
  expect(refuseRequest(request(options), rules)).toMatchObject({ reason });
});

test("a prefix is put before the path", () => {
  expect(forwardedPath(request(), rules)).toBe("/users/7");
  expect(forwardedPath(request(), proxyRules("users", { prefix: "/v2" }))).toBe("/v2/users/7");
});

test("the headers of one hop stay behind, and who asked is added", () => {
  const rawHeaders = ["Host", "a", "Connection", "x-one", "X-One", "1", "X-Two", "2"];
  const headers = forwardedHeaders(request({ rawHeaders }), rules);
  const names = headers.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase());
  expect(names).toEqual(
    expect.arrayContaining(["x-two", "x-forwarded-for", "x-forwarded-host", "via"]),
  );
  expect(names).not.toContain("x-one");
  expect(names, "the target gets its own").not.toContain("host");
  expect(headers).toContain("10.1.2.3");
});

test.each([
  [[], 0],
  [["Content-Length", "12"], 12],
  [["transfer-encoding", "chunked"], Number.POSITIVE_INFINITY],
])("%j announces %d bytes", (rawHeaders, bytes) => {
  expect(bodyBytes(request({ rawHeaders }))).toBe(bytes);
});

test("the key is the client's address, or what a function says", () => {
  expect(routingOf(request(), rules, undefined)).toBeUndefined();
  const ip = proxyRules("users", { key: "ip" });
  expect(routingOf(request(), ip, undefined)).toMatchObject({ key: "10.1.2.3" });
  const path = proxyRules("users", { key: ({ url }) => url });
  expect(routingOf(request(), path, undefined)).toMatchObject({ key: "/users/7" });
});
