import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { exchangeRaw } from "../../test/proxied.ts";
import { ProxiedAnswer } from "./proxied-answer.ts";
import { type ProxyOptions, proxyRules } from "./proxy-options.ts";

/** What a client gets when the answer's handler is told this. */
async function answered(tell: (answer: ProxiedAnswer) => void, options: ProxyOptions = {}) {
  const server = createServer((request, response) => {
    tell(new ProxiedAnswer(request, response, proxyRules("users", options)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return exchangeRaw(port, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
}

const raw = (...texts: string[]): Buffer[] => texts.map((text) => Buffer.from(text, "latin1"));
const resume = (): void => {};

test("status, reason, headers, body and trailers", async () => {
  const answer = await answered((handler) => {
    handler.onConnect(() => {});
    handler.onHeaders(200, raw("X-A", "1", "X-A", "2"), resume, "Fine");
    handler.onData(Buffer.from("hello"));
    handler.onComplete(raw("X-End", "3"));
  });
  expect(answer).toMatch(/^HTTP\/1.1 200 Fine\r\n/);
  expect(answer).toMatch(/X-A: 1\r\nX-A: 2\r\n/);
  expect(answer).toContain("hello");
  expect(answer.toLowerCase()).toContain("x-end: 3");
});

test.each([
  ["a line break in a value", () => raw("x-a", "1\r\nset-cookie: evil")],
  ["a name that is none", () => raw("x a", "1")],
  ["NUL in a value", () => raw("x-a", "\0")],
])("%s is a bad answer: 502, and the request is aborted", async (_, headers) => {
  let aborted: unknown;
  const answer = await answered((handler) => {
    handler.onConnect((reason) => {
      aborted = reason;
    });
    handler.onHeaders(200, headers(), resume, "OK");
  });
  expect(answer).toMatch(/^HTTP\/1.1 502 Bad Gateway\r\n/);
  expect(answer).not.toContain("evil");
  expect(aborted).toMatchObject({ code: "LB_UPSTREAM" });
});

test("a reason that cannot be written again is the usual one", async () => {
  const answer = await answered((handler) => {
    handler.onHeaders(404, [], resume, "No\r\nway");
    handler.onComplete(null);
  });
  expect(answer).toMatch(/^HTTP\/1.1 404 Not Found\r\n/);
});

test("a failure before the first byte is a status; after it, the connection breaks", async () => {
  const early = await answered((handler) => handler.onError(new Error("connect ECONNREFUSED")));
  expect(early).toMatch(/^HTTP\/1.1 502 /);
  expect(early).not.toContain("ECONNREFUSED");
  const late = await answered((handler) => {
    handler.onHeaders(200, raw("content-length", "10"), resume, "OK");
    handler.onData(Buffer.from("half"));
    setImmediate(() => handler.onError(new Error("read ECONNRESET")));
  });
  expect(late).toMatch(/content-length: 10\r\n/);
  expect(late.endsWith("half")).toBe(true);
});

test("an onError that throws is a 500, not a crash", async () => {
  const warned = new Promise((resolve) => process.once("warning", resolve));
  const onError = (): never => {
    throw new TypeError("no such field");
  };
  const answer = await answered((handler) => handler.onError(new Error("gone")), { onError });
  expect(answer).toMatch(/^HTTP\/1.1 500 /);
  await expect(warned).resolves.toMatchObject({ message: "no such field" });
});
