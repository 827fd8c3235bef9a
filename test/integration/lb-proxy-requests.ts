/**
 * What hostile clients write, a row each: the shapes of request smuggling, of requests that name
 * another server, of headers that speak to the next hop, and their harmless neighbours, which must
 * not be refused with them.
 */

import type { Reaching, RequestRow } from "./lb-proxy-verdict.ts";

/** Must never arrive: it is the body of something, or behind something that was refused. */
const SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
const HOST = "Host: a";
const CHUNKED = "Transfer-Encoding: chunked";
const END = "0\r\n\r\n";
const HELLO = `5\r\nhello\r\n${END}`;

const lines = (...each: string[]): string => `${each.join("\r\n")}\r\n\r\n`;
const get = (target: string, ...headers: string[]): string =>
  lines(`GET ${target} HTTP/1.1`, HOST, ...headers);
const post = (headers: string[], body: string): string =>
  lines("POST /x HTTP/1.1", HOST, ...headers) + body;
const length = (text: string): string => `Content-Length: ${text.length}`;
const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;

type Rest = Omit<RequestRow, "name" | "writes">;

/** It gets this status and no further answer, and nothing reaches the upstream. */
const refused = (status: number, more: Partial<Rest> = {}): Rest => ({
  reaches: [],
  statuses: [status],
  then: "closed",
  ...more,
});
const reaches = (line: string, more: Omit<Reaching, "line"> = {}, rest: Partial<Rest> = {}): Rest => ({
  reaches: [{ line, ...more }],
  statuses: [200],
  then: "open",
  ...rest,
});
const hello = (more: Omit<Reaching, "line"> = {}): Rest =>
  reaches("POST /x", { body: "hello", ...more });
const x = (headers: Reaching["headers"]): Rest => reaches("GET /x", { headers });

type Row = readonly [name: string, writes: RequestRow["writes"], expected: Rest];
const table = (rows: readonly Row[]): RequestRow[] =>
  rows.map(([name, writes, expected]) => ({ name, writes, ...expected }));

/** Two answers to where the body ends. */
export const FRAMING: RequestRow[] = table([
  ["CL.TE", post([length(END + SMUGGLED), CHUNKED], END + SMUGGLED), refused(400)],
  ["TE.CL", post([CHUNKED, "Content-Length: 4"], chunk(SMUGGLED) + END), refused(400)],
  ["CL.TE of length 0", post(["Content-Length: 0", CHUNKED], END + SMUGGLED), refused(400)],
  ["TE.TE: chunked and identity", post([CHUNKED, "Transfer-Encoding: identity"], HELLO + SMUGGLED), refused(400)],
  ["TE.TE: chunked twice", post([CHUNKED, CHUNKED], HELLO + SMUGGLED), refused(400)],
  ["TE xchunked", post(["Transfer-Encoding: xchunked"], HELLO + SMUGGLED), refused(400)],
  ["TE chunked, identity", post(["Transfer-Encoding: chunked, identity"], HELLO + SMUGGLED), refused(400)],
  ["TE identity, chunked", post(["Transfer-Encoding: identity, chunked"], HELLO + SMUGGLED), refused(501)],
  ["TE gzip, chunked", post(["Transfer-Encoding: gzip, chunked"], HELLO + SMUGGLED), refused(501)],
  ["TE identity with a length", post(["Transfer-Encoding: identity", "Content-Length: 5"], "hello"), refused(400)],
  ["TE in quotes", post(['Transfer-Encoding: "chunked"'], HELLO), refused(400)],
  ["TE empty", post(["Transfer-Encoding:"], HELLO), refused(400)],
  ["TE before a vertical tab", post(["Transfer-Encoding:\x0bchunked"], HELLO), refused(400)],
  ["TE with a space before its colon", post(["Transfer-Encoding : chunked", "Content-Length: 5"], HELLO), refused(400)],
  ["TE folded", post(["Transfer-Encoding:\r\n chunked", "Content-Length: 5"], HELLO), refused(400)],
  ["TE behind a bare LF", post(["X: y\nTransfer-Encoding: chunked", "Content-Length: 5"], HELLO), refused(400)],
  ["TE after a tab and capitalised", post(["Transfer-Encoding:\tChunked"], HELLO), hello()],
  ["TE with underscore is another header", post(["Transfer_Encoding: chunked", "Content-Length: 5"], "hello"), hello()],
  ["TE over HTTP/1.0", lines("POST /x HTTP/1.0", HOST, CHUNKED) + HELLO, refused(501)],
  ["CL twice, different", post(["Content-Length: 5", "Content-Length: 0"], `hello${SMUGGLED}`), refused(400)],
  ["CL twice, the same", post(["Content-Length: 5", "Content-Length: 5"], "hello"), refused(400)],
  ["CL as a list", post(["Content-Length: 5, 5"], "hello"), refused(400)],
  ["CL +5", post(["Content-Length: +5"], "hello"), refused(400)],
  ["CL -1", post(["Content-Length: -1"], "hello"), refused(400)],
  ["CL 0x5", post(["Content-Length: 0x5"], "hello"), refused(400)],
  ["CL 5 5", post(["Content-Length: 5 5"], "hello"), refused(400)],
  ["CL empty", post(["Content-Length:"], SMUGGLED), refused(400)],
  ["CL beyond 64 bits", post(["Content-Length: 18446744073709551621"], "hello"), refused(400)],
  ["CL beyond what a number can count", post(["Content-Length: 9007199254740993"], "hello"), refused(400)],
  ["CL with a space before its colon", post(["Content-Length : 5"], "hello"), refused(400)],
  ["CL 05", post(["Content-Length: 05"], "hello"), hello()],
  ["CL larger than what comes", post(["Content-Length: 10"], "hello"), refused(400, { halfCloses: true })],
  ["CL that covers a request", post([length(SMUGGLED)], SMUGGLED), reaches("POST /x", { body: SMUGGLED })],
  ["GET with a body", get("/x", length(SMUGGLED)) + SMUGGLED, reaches("GET /x", { body: SMUGGLED })],
  ["GET with a body in chunks", get("/x", CHUNKED) + chunk(SMUGGLED) + END, reaches("GET /x", { body: SMUGGLED })],
  ["HEAD with a body", lines("HEAD /x HTTP/1.1", HOST, length(SMUGGLED)) + SMUGGLED, reaches("HEAD /x", { body: SMUGGLED }, { methods: ["HEAD", "GET"] })],
  ["DELETE with a body", lines("DELETE /x HTTP/1.1", HOST, length(SMUGGLED)) + SMUGGLED, reaches("DELETE /x", { body: SMUGGLED })],
  ["OPTIONS * with a body", lines("OPTIONS * HTTP/1.1", HOST, length(SMUGGLED)) + SMUGGLED, { reaches: [], statuses: [204], then: "open" }],
]);

/** Chunks that two readers may cut differently. */
export const CHUNKS: RequestRow[] = table([
  ["a body in chunks", post([CHUNKED], `3\r\nhel\r\n2\r\nlo\r\n${END}`), hello()],
  ["no chunk but the last", post([CHUNKED], END), reaches("POST /x")],
  ["chunk extension", post([CHUNKED], `5;a=b\r\nhello\r\n${END}`), hello()],
  ["chunk extension in quotes", post([CHUNKED], `5;a="b;c"\r\nhello\r\n${END}`), hello()],
  ["chunk extension with a bare LF", post([CHUNKED], `5;a\nhello\r\n${END}${SMUGGLED}`), refused(400)],
  ["chunk extension with a bare CR", post([CHUNKED], `5;a\rb\r\nhello\r\n${END}`), refused(400)],
  ["chunk size with junk", post([CHUNKED], `5x\r\nhello\r\n${END}`), refused(400)],
  ["chunk size 0x5", post([CHUNKED], `0x5\r\nhello\r\n${END}`), refused(400)],
  ["chunk size -1", post([CHUNKED], `-1\r\nhello\r\n${END}`), refused(400)],
  ["chunk size before a space", post([CHUNKED], `5 \r\nhello\r\n${END}`), refused(400)],
  ["chunk size behind a space", post([CHUNKED], ` 5\r\nhello\r\n${END}`), refused(400)],
  ["chunk size empty", post([CHUNKED], `\r\nhello\r\n${END}`), refused(400)],
  ["chunk size beyond 64 bits", post([CHUNKED], `10000000000000005\r\nhello\r\n${END}${SMUGGLED}`), refused(400)],
  ["chunk size beyond 32 bits", post([CHUNKED], `100000005\r\nhello\r\n${END}${SMUGGLED}`), refused(400, { halfCloses: true })],
  ["chunk size with leading zeros", post([CHUNKED], `0000005\r\nhello\r\n${END}`), hello()],
  ["chunk line ended by a bare LF", post([CHUNKED], `5\nhello\r\n${END}`), refused(400)],
  ["chunk ended by a bare LF", post([CHUNKED], `5\r\nhello\n${END}`), refused(400)],
  ["chunk not ended", post([CHUNKED], `5\r\nhello${END}`), refused(400)],
  ["chunk longer than its size", post([CHUNKED], `3\r\nhello\r\n${END}`), refused(400)],
  ["chunk shorter than its size", post([CHUNKED], `8\r\nhello\r\n${END}${SMUGGLED}`), refused(400)],
  ["last chunk ended by a bare LF", post([CHUNKED], `5\r\nhello\r\n0\n\n${SMUGGLED}`), refused(400)],
  ["last chunk missing", post([CHUNKED], "5\r\nhello\r\n"), refused(400, { halfCloses: true })],
  ["trailers", post([CHUNKED, "Trailer: X-Sum"], "5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n"), hello({ headers: { "x-sum": null } })],
  ["trailers that frame", post([CHUNKED], `5\r\nhello\r\n0\r\nContent-Length: 99\r\nHost: b\r\n\r\n`), hello({ headers: { "content-length": null } })],
  ["trailers with a bare LF", post([CHUNKED], `5\r\nhello\r\n0\r\nA: b\n\n${SMUGGLED}`), refused(400)],
]);

/** More than one request on a connection. */
export const PIPELINING: RequestRow[] = table([
  ["three requests at once", get("/1") + get("/2") + get("/3"), { reaches: [{ line: "GET /1" }, { line: "GET /2" }, { line: "GET /3" }], statuses: [200, 200, 200], then: "open" }],
  ["a request behind a body", post(["Content-Length: 5"], `hello${get("/2")}`), { reaches: [{ line: "POST /x", body: "hello" }, { line: "GET /2" }], statuses: [200, 200], then: "open" }],
  ["a request behind chunks", post([CHUNKED], HELLO + get("/2")), { reaches: [{ line: "POST /x", body: "hello" }, { line: "GET /2" }], statuses: [200, 200], then: "open" }],
  ["HEAD and then GET", lines("HEAD /1 HTTP/1.1", HOST) + get("/2"), { reaches: [{ line: "HEAD /1" }, { line: "GET /2" }], statuses: [200, 200], then: "open", methods: ["HEAD", "GET"] }],
  ["a request behind one that ends the connection", get("/1", "Connection: close") + SMUGGLED, reaches("GET /1", {}, { then: "closed" })],
  ["a request behind one for another server", get("//evil/") + SMUGGLED, refused(400)],
  ["a request behind one with two Host", get("/1", "Host: b") + SMUGGLED, refused(400)],
  ["a request behind a coding that is not understood", post(["Transfer-Encoding: identity, chunked"], END + SMUGGLED), refused(501)],
  ["garbage behind a request", `${get("/1")}\x16\x03\x01garbage\r\n\r\n`, { reaches: [{ line: "GET /1" }], statuses: [200, 400], then: "closed" }],
  ["empty lines before a request", `\r\n\r\n${get("/1")}`, reaches("GET /1")],
]);

/** A target that is, for somebody, another server or another place. */
export const TARGETS: RequestRow[] = table([
  ...["//evil/x", "///evil/x", "//127.0.0.1:1/", "/\\evil/x", "\\\\evil\\x", "http://evil/x", "https://a@evil/x", "http://user:pass@evil/", "ws://evil/", "http:evil", "http:/evil", "evil:80", "@evil/x", ".evil/x", ":80/x", "?x", "#x", "*", "file:///etc/passwd"].map((target): Row => [`target ${target}`, get(target), refused(400)]),
  ...["/../x", "/a/../../x", "/./x", "/%2e%2e/x", "/.%2E/x", "/..;/x", "/..%2fx", "/..%5cx", "/a\\..\\x", "/x#y", "/x\x7f", "/caf\xe9", "/x\x00y", "/x\ty", "/x\x0by"].map((target): Row => [`target ${JSON.stringify(target).slice(1, -1)}`, get(target), refused(400)]),
  ...["/http://evil/", "/@evil/x", "/?u=http://evil/", "/?//evil", "/x%00y", "/x%0d%0aHost:%20evil", "/a//b", "/%5c%5cevil", "/...", "/a:80/"].map((target): Row => [`target ${target}`, get(target), reaches(`GET ${target}`)]),
  ["target behind two spaces", lines("GET  /x HTTP/1.1", HOST), refused(400)],
  ["target with a space", lines("GET /x y HTTP/1.1", HOST), refused(400)],
  ["target with CR LF", lines("GET /x\r\ny HTTP/1.1", HOST), refused(400)],
  ["target of 20 KB", get(`/${"x".repeat(20_000)}`), refused(431)],
  ["CONNECT", lines("CONNECT evil:443 HTTP/1.1", HOST) + SMUGGLED, { reaches: [], statuses: [], then: "closed" }],
  ["TRACE is for the target", lines("TRACE /x HTTP/1.1", HOST), reaches("TRACE /x")],
  ["method in small letters", lines("get /x HTTP/1.1", HOST), refused(400)],
  ["method unknown", lines("SMUGGLE /x HTTP/1.1", HOST), refused(400)],
  ["preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", refused(400)],
  ["HTTP/0.9", "GET /x\r\n", refused(400)],
  ["HTTP/1.2", lines("GET /x HTTP/1.2", HOST), refused(400)],
  ["HTTP/2.0", lines("GET /x HTTP/2.0", HOST), refused(400)],
  ["a TLS greeting", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", refused(400)],
  ["HTTP/1.0 without Host", lines("GET /x HTTP/1.0"), reaches("GET /x", {}, { then: "closed" })],
]);

/** Headers that are no headers, too many, or for whom they are not. */
export const HEADERS: RequestRow[] = table([
  ["Host missing", lines("GET /x HTTP/1.1"), refused(400)],
  ["Host twice", get("/x", "Host: b"), refused(400)],
  ["Host twice, the same", get("/x", HOST), refused(400)],
  ...["", "a, b", "a b", "u@evil", "evil/x", "a:99999999", "a:80:80", "a\\b", "[::1", "http://a"].map((host): Row => [`Host ${JSON.stringify(host)}`, lines("GET /x HTTP/1.1", `Host: ${host}`), refused(400)]),
  ["Host of an IPv6 address", lines("GET /x HTTP/1.1", "Host: [::1]:80"), reaches("GET /x")],
  ["header folded", get("/x", "A: b\r\n c"), refused(400)],
  ["header folded by a tab", get("/x", "A: b\r\n\tc"), refused(400)],
  ["space before a colon", get("/x", "A : b"), refused(400)],
  ["space before the first header", lines("GET /x HTTP/1.1", ` ${HOST}`), refused(400)],
  ["line without a colon", get("/x", "evil"), refused(400)],
  ["name empty", get("/x", ": b"), refused(400)],
  ["name with a control character", get("/x", "A\x01: b"), refused(400)],
  ["NUL in a value", get("/x", "A: b\x00c"), refused(400)],
  ["control character in a value", get("/x", "A: b\x01c"), refused(400)],
  ["bare LF", "GET /x HTTP/1.1\nHost: a\n\n", refused(400)],
  ["bare LF at the end of the headers", "GET /x HTTP/1.1\r\nHost: a\r\n\n", refused(400)],
  ["bare CR", get("/x", "A: b\rC: d"), refused(400)],
  ["tab and high bytes in a value", get("/x", "A: b\tc\xe9\xff"), x({ a: "b\tc\xe9\xff" })],
  ["value empty", get("/x", "A:"), x({ a: "" })],
  ["names of Object.prototype", get("/x", "__proto__: 1", "constructor: 2", "toString: 3"), x({ ["__proto__"]: "1", constructor: "2", tostring: "3" })],
  ["a header repeated", get("/x", "A: 1", "a: 2"), x({ a: "1 | 2" })],
  ["100 headers", get("/x", ...Array.from({ length: 99 }, (_, n) => `A${n}: 1`)), x({ a98: "1" })],
  ["101 headers", get("/x", ...Array.from({ length: 100 }, (_, n) => `A${n}: 1`)), refused(431)],
  ["2,100 headers, the last of them TE", post([...Array.from({ length: 2_100 }, () => "A: "), CHUNKED], HELLO), refused(431)],
  ["headers of 17 KB", get("/x", `A: ${"b".repeat(17_000)}`), refused(431)],
  ["headers of 100 KB", get("/x", `A: ${"b".repeat(100_000)}`), refused(431)],
  ["a request that stops in its headers", "GET /x HTTP/1.1\r\nHost: a\r\nA: b", refused(400, { halfCloses: true })],
]);

const HOP_BY_HOP = ["Keep-Alive: timeout=9", "Proxy-Connection: keep-alive", "Proxy-Authorization: b", "TE: gzip", "Trailer: X", "HTTP2-Settings: AA"];
const PROTECTED = ["Host", "Authorization", "Cookie", "Content-Length", "X-Forwarded-For", "X-Forwarded-Host", "Via", "Cache-Control"];

/** What is for this hop, and what only looks as if. */
export const HOPS: RequestRow[] = table([
  ["headers of this hop", get("/x", ...HOP_BY_HOP), x({ te: null, "http2-settings": null })],
  ["TE: trailers", get("/x", "TE: gzip, trailers;q=1"), x({ te: "trailers" })],
  ["headers that Connection names", get("/x", "Connection: A, b", "A: 1", "B: 2", "C: 3"), x({ a: null, b: null, c: "3" })],
  ["two Connection headers", get("/x", "Connection: a", "Connection: b", "A: 1", "B: 2"), x({ a: null, b: null })],
  ["Connection with empty and odd items", get("/x", "Connection: ,,\ta ,:", "A: 1"), x({ a: null })],
  ["Connection names what is protected", get("/x", `Connection: ${PROTECTED.join(", ")}`, "Authorization: k", "Cookie: c", "Cache-Control: no-store"), x({ authorization: "k", cookie: "c", "cache-control": "no-store", "x-forwarded-for": "127.0.0.1", "x-forwarded-host": "a", via: "1.1 test" })],
  ["Connection names the length", post(["Connection: Content-Length", "Content-Length: 5"], "hello"), hello()],
  ["Connection names the coding", post(["Connection: Transfer-Encoding", CHUNKED], HELLO), hello()],
  ["Expect, and the body when told so", [post(["Content-Length: 5", "Expect: 100-continue"], ""), "hello"], { ...hello(), interim: 1 }],
  ["Expect, and the body at once", post(["Content-Length: 5", "Expect: 100-continue"], "hello"), { ...hello(), interim: 1 }],
  ["Expect something else", get("/x", "Expect: 200-maybe"), { reaches: [], statuses: [417], then: "open" }],
  ["a loop", get("/x", "Via: 1.0 other, 1.1 test (here)"), refused(508)],
  ["Max-Forwards is passed on", get("/x", "Max-Forwards: 0"), x({ "max-forwards": "0" })],
]);

const SPOOFED = ["X-Forwarded-For: 6.6.6.6", "X-Forwarded-Host: evil", "X-Forwarded-Proto: https", "X_Forwarded_For: 6.6.6.6", "X-Forwarded-Prefix: /e", "X-Real-IP: 6.6.6.6", "Forwarded: for=6.6.6.6"];
const DROPPED = { "x_forwarded_for": null, "x-forwarded-prefix": null, "x-real-ip": null, forwarded: null };
const KEPT = { "x-forwarded-host": "evil", "x-forwarded-proto": "https", "x-forwarded-prefix": "/e" };

/** A client that nobody trusts says who it is. */
export const UNTRUSTED: RequestRow[] = table([
  ["X-Forwarded-* of a stranger", get("/x", ...SPOOFED), x({ ...DROPPED, "x-forwarded-for": "127.0.0.1", "x-forwarded-host": "a", "x-forwarded-proto": "http" })],
  ["X-Forwarded-For twice", get("/x", "X-Forwarded-For: 1", "X-Forwarded-For: 2"), x({ "x-forwarded-for": "127.0.0.1" })],
]);

/** A peer that is trusted says so. */
export const TRUSTED: RequestRow[] = table([
  ["X-Forwarded-* of a trusted peer", get("/x", ...SPOOFED), x({ ...KEPT, "x_forwarded_for": null, "x-forwarded-for": "6.6.6.6, 127.0.0.1" })],
  ["X-Forwarded-For twice", get("/x", "X-Forwarded-For: 1", "X-Forwarded-For: 2"), x({ "x-forwarded-for": "1, 2, 127.0.0.1" })],
  ["X-Forwarded-For named by Connection", get("/x", "Connection: X-Forwarded-For", "X-Forwarded-For: 1"), x({ "x-forwarded-for": "1, 127.0.0.1" })],
]);

const H2C = ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"];
const WEBSOCKET = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 777"];

/** On a server that takes upgrades: `server.on("upgrade", proxy.upgrade)`. */
export const UPGRADES: RequestRow[] = table([
  ["h2c", get("/x", ...H2C) + SMUGGLED, refused(400)],
  ["h2c and WebSocket", get("/x", "Connection: Upgrade", "Upgrade: h2c, websocket"), refused(400)],
  ["a WebSocket by POST", post(WEBSOCKET, SMUGGLED), refused(400)],
  ["a WebSocket of another server", get("//evil/", ...WEBSOCKET), refused(400)],
  ["a WebSocket that the target does not grant, and a request in it", get("/x", ...WEBSOCKET) + SMUGGLED, reaches("GET /x", {}, { then: "closed" })],
  ["a WebSocket with a body", get("/x", ...WEBSOCKET, length(SMUGGLED)) + SMUGGLED, refused(400)],
  ["a WebSocket with a body in chunks", get("/x", ...WEBSOCKET, CHUNKED) + chunk(SMUGGLED) + END, refused(400)],
  ["an Upgrade that Connection does not name", get("/x", "Upgrade: websocket"), x({ upgrade: null })],
]);

/** On a server that takes none. */
export const UPGRADES_IGNORED: RequestRow[] = table([
  ["h2c", get("/x", ...H2C), x({ upgrade: null, "http2-settings": null })],
  ["a WebSocket", get("/x", ...WEBSOCKET), x({ upgrade: null })],
]);

/** Of a proxy that is mounted at `/api`. */
export const MOUNTED: RequestRow[] = table([
  ["below it", get("/api/x?y"), reaches("GET /x?y")],
  ["itself", get("/api"), reaches("GET /")],
  ["itself with a query", get("/api?y"), reaches("GET /?y")],
  ...["/api//evil/x", "/api/\\evil/x", "/api/../x", "/api/%2e%2e/x", "http://evil/api/x", "/api//127.0.0.1:1/"].map((target): Row => [`target ${target}`, get(target), refused(400)]),
  ["beside it", get("/api@evil/"), { reaches: [], statuses: [404], then: "open" }],
]);
