/**
 * Requests that a proxy and the server behind it could read differently: smuggling, pipelining,
 * headers for one hop, paths that are addresses. Whatever is sent, the target sees exactly the one
 * well-formed request that was meant, or none; and the connection is always to a target.
 */

import { createServer as createHttpServer } from "node:http";
import { connect, createServer } from "node:net";
import { testSeed } from "@headroom/harness";
import { createLoadBalancer, type ProxyOptions } from "@headroom/lb";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { exchange, listening, type RawTarget, rawTarget, statusesOf } from "./lb-proxy-raw.ts";

async function proxyTo(url: string, options: ProxyOptions = {}): Promise<number> {
  const lb = createLoadBalancer({ name: "corpus", targets: [url] });
  onTestFinished(() => lb.close());
  const proxy = lb.proxy(options);
  return listening(createHttpServer(proxy));
}

/** The lines of a head, the empty one after them, and a body. */
function message(lines: readonly string[], body = ""): string {
  return `${lines.join("\r\n")}\r\n\r\n${body}`;
}

const GET = "GET /a HTTP/1.1";
const POST = "POST /a HTTP/1.1";
const HOST = "Host: users.example";
const CLOSE = "Connection: close";
const SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: users.example\r\n\r\n";

/** [what it is, its bytes, the statuses of the answers, how many requests the target sees] */
type Row = readonly [name: string, bytes: string, statuses: readonly number[], seen: number];

const REFUSED: readonly Row[] = [
  [
    "Content-Length and Transfer-Encoding",
    message(
      [POST, HOST, "Content-Length: 6", "Transfer-Encoding: chunked"],
      `0\r\n\r\n${SMUGGLED}`,
    ),
    [400],
    0,
  ],
  [
    "Transfer-Encoding and Content-Length",
    message(
      [POST, HOST, "Transfer-Encoding: chunked", "Content-Length: 6"],
      `0\r\n\r\n${SMUGGLED}`,
    ),
    [400],
    0,
  ],
  [
    "two lengths that differ",
    message([POST, HOST, "Content-Length: 0", "Content-Length: 5"], "hello"),
    [400],
    0,
  ],
  [
    "two lengths that agree",
    message([POST, HOST, "Content-Length: 5", "Content-Length: 5"], "hello"),
    [400],
    0,
  ],
  ["a list of lengths", message([POST, HOST, "Content-Length: 5, 5"], "hello"), [400], 0],
  ["a length with a sign", message([POST, HOST, "Content-Length: +5"], "hello"), [400], 0],
  ["a negative length", message([POST, HOST, "Content-Length: -5"], "hello"), [400], 0],
  ["a length in hexadecimal", message([POST, HOST, "Content-Length: 0x5"], "hello"), [400], 0],
  [
    "an unknown transfer coding",
    message([POST, HOST, "Transfer-Encoding: gzip"], `0\r\n\r\n${SMUGGLED}`),
    [501],
    0,
  ],
  [
    "chunked and then another coding",
    message([POST, HOST, "Transfer-Encoding: chunked, identity"], `0\r\n\r\n${SMUGGLED}`),
    [400],
    0,
  ],
  [
    "another coding and then chunked",
    message([POST, HOST, CLOSE, "Transfer-Encoding: identity, chunked"], "0\r\n\r\n"),
    [501],
    0,
  ],
  [
    "Transfer-Encoding twice",
    message([POST, HOST, "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"], "0\r\n\r\n"),
    [400],
    0,
  ],
  [
    "a misspelt coding",
    message([POST, HOST, "Transfer-Encoding: xchunked"], `0\r\n\r\n${SMUGGLED}`),
    [501],
    0,
  ],
  [
    "a space before the colon",
    message([POST, HOST, "Transfer-Encoding : chunked"], `0\r\n\r\n${SMUGGLED}`),
    [400],
    0,
  ],
  ["a folded header", message([GET, HOST, "X-A: 1", " 2"]), [400], 0],
  ["lines that end in LF only", "GET /a HTTP/1.1\nHost: users.example\n\n", [400], 0],
  ["CR in a value", message([GET, HOST, "X-A: 1\rX-B: 2"]), [400], 0],
  ["NUL in a value", message([GET, HOST, "X-A: 1\0"]), [400], 0],
  ["no Host", message([GET]), [400], 0],
  ["two Hosts", message([GET, HOST, "Host: evil.example", CLOSE]), [400], 0],
  ["a Host with a path", message([GET, "Host: users.example/evil", CLOSE]), [400], 0],
  ["a Host with credentials", message([GET, "Host: a@evil.example", CLOSE]), [400], 0],
  [
    "junk after the size of a chunk",
    message([POST, HOST, "Transfer-Encoding: chunked"], "5 junk\r\nhello\r\n0\r\n\r\n"),
    [400],
    0,
  ],
  [
    "a chunk size that overflows",
    message([POST, HOST, "Transfer-Encoding: chunked"], "fffffffffffffffff\r\nhello\r\n0\r\n\r\n"),
    [400],
    0,
  ],
  ["a path without a slash", message(["GET a HTTP/1.1", HOST]), [400], 0],
  ["a path that begins with @", message(["GET @evil.example/ HTTP/1.1", HOST]), [400], 0],
  ["two slashes", message(["GET //evil.example/x HTTP/1.1", HOST, CLOSE]), [400], 0],
  ["a slash and a backslash", message(["GET /\\evil.example/x HTTP/1.1", HOST, CLOSE]), [400], 0],
  ["a whole URL", message(["GET http://evil.example/x HTTP/1.1", HOST, CLOSE]), [400], 0],
  ["a path that climbs", message(["GET /a/../admin HTTP/1.1", HOST, CLOSE]), [400], 0],
  ["a path that climbs encoded", message(["GET /a/..%2fadmin HTTP/1.1", HOST, CLOSE]), [400], 0],
  ["a space in the path", message(["GET /a b HTTP/1.1", HOST]), [400], 0],
  ["CONNECT", message(["CONNECT evil.example:443 HTTP/1.1", "Host: evil.example:443"]), [], 0],
  ["101 headers", message([GET, HOST, CLOSE, ...Array<string>(101).fill("X-A: 1")]), [431], 0],
  ["100 KB of headers", message([GET, HOST, `X-A: ${"a".repeat(100_000)}`]), [431], 0],
  ["an expectation of junk", message([GET, HOST, CLOSE, "Expect: junk"]), [417], 0],
  ["another version", message(["GET /a HTTP/9.9", HOST]), [400], 0],
];

const PASSED: readonly Row[] = [
  ["a GET", message([GET, HOST, CLOSE]), [200], 1],
  ["a GET with a body", message([GET, HOST, CLOSE, "Content-Length: 5"], "hello"), [200], 1],
  [
    "a POST in chunks",
    message([POST, HOST, CLOSE, "Transfer-Encoding: chunked"], "5\r\nhello\r\n0\r\n\r\n"),
    [200],
    1,
  ],
  [
    "chunks with extensions",
    message([POST, HOST, CLOSE, "Transfer-Encoding: chunked"], "5;x=y\r\nhello\r\n0\r\n\r\n"),
    [200],
    1,
  ],
  [
    "chunks with trailers",
    message([POST, HOST, CLOSE, "Transfer-Encoding: chunked"], "5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n"),
    [200],
    1,
  ],
  ["a header named __proto__", message([GET, HOST, CLOSE, "__proto__: 1"]), [200], 1],
  [
    "100-continue",
    message([POST, HOST, CLOSE, "Expect: 100-continue", "Content-Length: 5"], "hello"),
    [100, 200],
    1,
  ],
  [
    "an upgrade to h2c",
    message([
      GET,
      HOST,
      "Connection: close, Upgrade, HTTP2-Settings",
      "Upgrade: h2c",
      "HTTP2-Settings: AAMAAABkAAQAAP__",
    ]),
    [200],
    1,
  ],
  [
    "three in a pipeline",
    message([GET, HOST]) + message([GET, HOST]) + message([GET, HOST, CLOSE]),
    [200, 200, 200],
    3,
  ],
  [
    "a request that looks like a body and comes after one",
    message([POST, HOST, "Content-Length: 5"], "hello") + message([GET, HOST, CLOSE]),
    [200, 200],
    2,
  ],
];

/** What a target was made to read that it should not have, or was not asked. */
function faults(target: RawTarget, answer: string, [, , statuses, seen]: Row): string[] {
  const found = [...target.malformed];
  if (target.seen.length !== seen) found.push(`${target.seen.length} requests instead of ${seen}`);
  if (target.seen.some(({ line }) => line.includes("smuggled"))) found.push("smuggled");
  const told = statusesOf(answer);
  if (told.join() !== statuses.join()) found.push(`answered ${told.join()} instead of ${statuses}`);
  return found;
}

describe.each([
  ["never reaches a target", REFUSED],
  ["arrives as it was meant", PASSED],
])("%s", (_, rows) => {
  test.each(rows.map((row) => [row[0], row] as const))("%s", async (_name, row) => {
    const target = await rawTarget();
    const answer = await exchange(await proxyTo(target.url), row[1]);
    expect(faults(target, answer, row)).toEqual([]);
  });
});

test("the corpus catches a proxy that passes bytes on as they are", async () => {
  const caught: string[] = [];
  for (const row of [...REFUSED, ...PASSED]) {
    const target = await rawTarget();
    const pipe = createServer((client) => {
      const upstream = connect(target.port, "127.0.0.1");
      client.pipe(upstream).pipe(client);
      for (const socket of [client, upstream]) socket.on("error", () => {});
    });
    const answer = await exchange(await listening(pipe), row[1], 50);
    if (faults(target, answer, row).length > 0) caught.push(row[0]);
  }
  expect(caught).toContain("Content-Length and Transfer-Encoding");
  expect(caught).toContain("two Hosts");
  expect(caught).toContain("two slashes");
  expect(caught).toContain("an upgrade to h2c");
  expect(caught.length).toBeGreaterThan(REFUSED.length * 0.9);
});

test("what Connection names goes no further, unless others rely on it", async () => {
  const target = await rawTarget();
  const port = await proxyTo(target.url);
  const named = "Connection: close, X-Own, Host, Authorization, Cookie, X-Forwarded-For, Via";
  const headers = [
    "X-Own: 1",
    "Authorization: a",
    "Cookie: b=c",
    "Keep-Alive: timeout=9",
    "TE: gzip",
  ];
  await exchange(port, message([GET, HOST, named, ...headers]));
  const seen = new Map(target.seen[0]?.headers);
  expect(target.malformed).toEqual([]);
  expect(seen.has("x-own")).toBe(false);
  expect(seen.has("te")).toBe(false);
  expect([seen.get("authorization"), seen.get("cookie")]).toEqual(["a", "b=c"]);
  expect([seen.get("host"), seen.get("x-forwarded-host")]).toEqual([
    `127.0.0.1:${target.port}`,
    "users.example",
  ]);
  expect(seen.get("x-forwarded-for")).toBe("127.0.0.1");
});

test.each([
  ["nobody", false, "127.0.0.1"],
  ["the one before us", "loopback", "6.6.6.6, 127.0.0.1"],
] as const)("X-Forwarded-For, when %s is believed", async (_, trustProxy, expected) => {
  const target = await rawTarget();
  const port = await proxyTo(target.url, { trustProxy });
  await exchange(port, message([GET, HOST, CLOSE, "X-Forwarded-For: 6.6.6.6"]));
  expect(new Map(target.seen[0]?.headers).get("x-forwarded-for")).toBe(expected);
});

test("whatever is in the path and the headers, the connection is to the target", async () => {
  const [target, evil] = [await rawTarget(), await rawTarget()];
  const port = await proxyTo(target.url);
  const address = `127.0.0.1:${evil.port}`;
  const piece = fc.constantFrom(
    ...["/", "//", "\\", "@", ":", "?", "#", "%2f", "%00", "..", ".", ";", " ", "\t", "a", "http:"],
    address,
    `user@${address}`,
    "\r\nX-A: 1",
    "\u00e9",
  );
  const text = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(""));
  const request = fc.record({
    path: fc.oneof(
      text,
      text.map((rest) => `/${rest}`),
    ),
    host: fc.oneof(fc.constant("users.example"), fc.constant(address), text),
    forwarded: fc.oneof(fc.constant(address), text),
  });
  await fc.assert(
    fc.asyncProperty(request, async ({ path, host, forwarded }) => {
      await exchange(
        port,
        message([`GET ${path} HTTP/1.1`, `Host: ${host}`, `X-Forwarded-Host: ${forwarded}`, CLOSE]),
      );
      expect(evil.connections).toBe(0);
      expect(target.malformed).toEqual([]);
    }),
    { numRuns: 300, seed: testSeed().value | 0 },
  );
  expect(target.seen.length).toBeGreaterThan(10);
});
