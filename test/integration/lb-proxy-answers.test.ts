/**
 * Answers that are no HTTP, or that two readers could read differently. The client gets what was
 * meant, or 502, or a connection that breaks off, never an answer to another request: after each of
 * these the next request is answered as if nothing had been.
 */

import { createServer as createHttpServer } from "node:http";
import { connect, createServer } from "node:net";
import { createLoadBalancer } from "@headroom/lb";
import { describe, expect, onTestFinished, test } from "vitest";
import { exchange, listening, rawTarget, type SeenRequest } from "./lb-proxy-raw.ts";

const OK = "HTTP/1.1 200 OK\r\n";
const EVIL = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
const BAD_GATEWAY = [502, "502 Bad Gateway\n"] as const;

interface Row {
  readonly name: string;
  /** What the target writes; what follows an answer comes with it, in the same packet. */
  readonly bytes: string;
  /** The target closes the connection after it. */
  readonly closes?: boolean;
  readonly method?: "GET" | "HEAD";
  /** What the client gets: status and body; `"cut"`: its connection breaks off in the body. */
  readonly gets: readonly [status: number, body: string] | readonly [status: number, "cut"];
}

const NO_HTTP: readonly Row[] = [
  { name: "junk", bytes: "what?\r\n\r\n", gets: BAD_GATEWAY },
  { name: "nothing", bytes: "", closes: true, gets: BAD_GATEWAY },
  { name: "half a head", bytes: `${OK}X-A: 1`, closes: true, gets: BAD_GATEWAY },
  { name: "a status that is no number", bytes: "HTTP/1.1 abc OK\r\n\r\n", gets: BAD_GATEWAY },
  {
    name: "a space in a header's name",
    bytes: `${OK}X A: 1\r\nContent-Length: 0\r\n\r\n`,
    gets: BAD_GATEWAY,
  },
  { name: "NUL in a value", bytes: `${OK}X-A: \0\r\nContent-Length: 0\r\n\r\n`, gets: BAD_GATEWAY },
  {
    name: "two lengths that differ",
    bytes: `${OK}Content-Length: 0\r\nContent-Length: ${EVIL.length}\r\n\r\n${EVIL}`,
    gets: BAD_GATEWAY,
  },
  {
    name: "a length that is no number",
    bytes: `${OK}Content-Length: five\r\n\r\nhello`,
    gets: BAD_GATEWAY,
  },
  {
    name: "100 KB of headers",
    bytes: `${OK}X-A: ${"a".repeat(100_000)}\r\n\r\n`,
    gets: BAD_GATEWAY,
  },
  {
    name: "a switch of protocols that nobody asked for",
    bytes: `HTTP/1.1 101 Switching Protocols\r\nUpgrade: evil\r\nConnection: Upgrade\r\n\r\n${EVIL}`,
    gets: BAD_GATEWAY,
  },
];

const HALF_GOOD: readonly Row[] = [
  {
    name: "a length that promises more",
    bytes: `${OK}Content-Length: 10\r\n\r\nhello`,
    closes: true,
    gets: [200, "cut"],
  },
  {
    name: "a chunk that is none",
    bytes: `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n`,
    gets: [200, "cut"],
  },
  {
    name: "chunks without their end",
    bytes: `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`,
    closes: true,
    gets: [200, "cut"],
  },
];

const GOOD: readonly Row[] = [
  {
    name: "more than its length",
    bytes: `${OK}Content-Length: 5\r\n\r\nhello${EVIL}`,
    gets: [200, "hello"],
  },
  {
    name: "an answer and another",
    bytes: EVIL.replace("evil", "good") + EVIL,
    gets: [200, "good"],
  },
  { name: "204 with a body", bytes: `HTTP/1.1 204 No Content\r\n\r\n${EVIL}`, gets: [204, ""] },
  { name: "304 with a body", bytes: `HTTP/1.1 304 Not Modified\r\n\r\n${EVIL}`, gets: [304, ""] },
  {
    name: "a body for HEAD",
    method: "HEAD",
    bytes: `${OK}Content-Length: ${EVIL.length}\r\n\r\n${EVIL}`,
    gets: [200, ""],
  },
  {
    name: "a hundred interim answers",
    bytes: `${"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".repeat(100)}${OK}Content-Length: 5\r\n\r\nhello`,
    gets: [200, "hello"],
  },
  {
    name: "no length, ended by closing",
    bytes: `${OK}\r\nhello`,
    closes: true,
    gets: [200, "hello"],
  },
];

async function balanced(port: number): Promise<number> {
  const targets = [`http://127.0.0.1:${port}`];
  const lb = createLoadBalancer({ name: "answers", targets, retry: false });
  onTestFinished(() => lb.close());
  return listening(createHttpServer(lb.proxy()));
}

/** The proxy that this corpus is for: it passes on whatever comes. */
function piped(port: number): Promise<number> {
  const pipe = createServer((client) => {
    const upstream = connect(port, "127.0.0.1");
    client.pipe(upstream).pipe(client);
    for (const socket of [client, upstream]) socket.on("error", () => {});
  });
  return listening(pipe);
}

/** What a client gets for two requests, the first of which is answered with these bytes. */
async function asked({ bytes, closes, method = "GET" }: Row, front = balanced, silentMs = 0) {
  const target = await rawTarget(({ line }: SeenRequest, socket) => {
    if (line.includes("/next")) return `${OK}Content-Length: 4\r\n\r\nmine`;
    if (closes !== true) return bytes;
    socket.end(bytes, "latin1");
    return undefined;
  });
  const port = await front(target.port);
  const ask = (line: string) =>
    exchange(
      port,
      `${line} HTTP/1.1\r\nHost: users.example\r\nConnection: close\r\n\r\n`,
      silentMs,
    );
  const first = await ask(`${method} /first`);
  const next = await ask("GET /next");
  return { first, next };
}

/** Status and body of the last answer in the bytes that a client got; `"cut"` when its end is missing. */
function outcome(bytes: string, method = "GET"): readonly [number, string] {
  const final = bytes.split(/(?=HTTP\/1\.1 \d{3} )/).filter((each) => !/^HTTP\/1\.1 1/.test(each));
  const [head = "", ...rest] = (final[0] ?? "").split("\r\n\r\n");
  const body = rest.join("\r\n\r\n");
  const status = Number(head.slice(9, 12));
  if (method === "HEAD" || status === 204 || status === 304) return [status, body];
  if (/transfer-encoding: chunked/i.test(head)) {
    if (!/(^|\r\n)0\r\n$/.test(`${body}`) && !body.endsWith("0\r\n\r\n")) return [status, "cut"];
    return [status, body.replace(/[0-9a-f]+\r\n([^\r]*)\r\n/g, "$1").replace(/0\r\n(\r\n)?$/, "")];
  }
  const length = /content-length: (\d+)/i.exec(head)?.[1];
  if (length !== undefined && Number(length) > body.length) return [status, "cut"];
  return [status, length === undefined ? body : body.slice(0, Number(length))];
}

describe.each([
  ["is no answer", NO_HTTP],
  ["breaks off", HALF_GOOD],
  ["is an answer, and what follows it is not", GOOD],
])("%s", (_, rows) => {
  test.each(rows.map((row) => [row.name, row] as const))("%s", async (_name, row) => {
    const { first, next } = await asked(row);
    expect(first).not.toContain("evil");
    expect(outcome(first, row.method)).toEqual(row.gets);
    expect(outcome(next)).toEqual([200, "mine"]);
  });
});

test("the corpus catches a proxy that passes bytes on as they are", async () => {
  for (const row of [...NO_HTTP, ...GOOD].filter(({ bytes }) => bytes.includes("evil"))) {
    const { first } = await asked(row, piped, 300);
    expect(first).toContain("evil");
  }
});

test("headers that an answer has for its own connection stay there", async () => {
  const { first } = await asked({
    name: "",
    bytes: `${OK}Connection: X-Own, keep-alive\r\nX-Own: 1\r\nKeep-Alive: timeout=9\r\nX-Kept: 1\r\nContent-Length: 0\r\n\r\n`,
    gets: [200, ""],
  });
  expect(first).not.toMatch(/x-own|timeout=9/i);
  expect(first).toMatch(/x-kept: 1/i);
});

test("an answer with a length and in chunks has one of them for the client", async () => {
  const { first } = await asked({
    name: "",
    bytes: `${OK}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
    gets: [200, "hello"],
  });
  expect(first).not.toMatch(/content-length: 3/i);
  expect([
    [200, "hello"],
    [502, "502 Bad Gateway\n"],
  ]).toContainEqual(outcome(first));
});
