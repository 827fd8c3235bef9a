import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { connect } from "node:net";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { startApp } from "../../test/http-app.ts";
import type { CacheRequest } from "./http-types.ts";
import { type RequestKeyRules, requestKey } from "./request-key.ts";

const ALL: RequestKeyRules = { query: undefined, hosts: undefined };

function asked(url: string, headers: Record<string, string> = {}, method = "GET"): CacheRequest {
  return { method, url, headers: { host: "shop.example", ...headers } } as unknown as CacheRequest;
}

describe("deception: what servers read in two ways is not cached", () => {
  test.each([
    "/account;x.css",
    "/account%2fx.css",
    "/account%2Fx.css",
    "/account%5cx.css",
    "/account%00.css",
    "/account%3b.css",
    "/static/..%2faccount",
    "/static/%2e%2e/account",
    "/static/../account",
    "/static/./account",
    "//account",
    "/a//b",
    "/account%23",
    "/account%3f",
    "/account\\x.css",
    "/account#x",
    "/acc ount",
    "http://other.example/account",
    "*",
    "",
    "/é",
    "/%zz",
    "/%2",
  ])("%j", (url) => {
    expect(requestKey(asked(url), ALL)).toBeUndefined();
  });

  test("a private page with the name of a public file is not cached", async () => {
    let runs = 0;
    const { get } = await startApp(
      (app) =>
        app.get(
          /^\/account/,
          (_, response) => void response.set("cache-control", "private").send(String(++runs)),
        ),
      { defaultTtlMs: 60_000 },
    );
    expect([(await get("/account/x.css")).body, (await get("/account/x.css")).body]).toEqual([
      "1",
      "2",
    ]);
  });
});

test.each(["/", "/a", "/a/", "/a.css", "/%41", "/a?b=1", "/a?b=%2f;..//", "/~u/-._!$&'()*+,=:@"])(
  "%j is cached",
  (url) => {
    expect(requestKey(asked(url), ALL)).toBeDefined();
  },
);

test("addresses that are written differently are different", () => {
  const urls = ["/a", "/a/", "/A", "/%61", "/a?", "/a?b", "/a?b=", "/a?b=1&c=2", "/a?c=2&b=1"];
  const keys = urls.map((url) => requestKey(asked(url), ALL)?.key);
  // `/a` and `/a?` reach every handler as one path and an empty query.
  expect(new Set(keys).size).toBe(urls.length);
});

/** Headers by which a client makes frameworks build another response; research on cache poisoning. */
const POISONS = [
  "X-Forwarded-Host",
  "X-Forwarded-Proto",
  "X-Forwarded-Scheme",
  "X-Forwarded-Port",
  "X-Forwarded-Prefix",
  "X-Forwarded-Path",
  "X-Forwarded-Server",
  "Forwarded",
  "X-Host",
  "X-HTTP-Host-Override",
  "X-Original-Host",
  "X-Original-URL",
  "X-Rewrite-URL",
  "X-HTTP-Method",
  "X-HTTP-Method-Override",
  "X-Method-Override",
  "X-Scheme",
  "X-URL-Scheme",
  "X-WAP-Profile",
  "Front-End-Https",
  "Base-URL",
  "Request-URI",
  "X-Proxy-URL",
];

test.each(POISONS)(
  "poisoning: what an attacker's %s makes is served to nobody else",
  async (name) => {
    const { get } = await startApp((app) =>
      app.get(
        "/p",
        (request, response) =>
          void response
            .set("cache-control", "public, max-age=60")
            .send(`base: ${request.headers[name.toLowerCase()] ?? "none"}`),
      ),
    );
    expect((await get("/p", { [name]: "evil.example" })).body).toBe("base: evil.example");
    expect((await get("/p")).body).toBe("base: none");
  },
);

test("a GET with a body is not cached", () => {
  expect(requestKey(asked("/p", { "content-length": "5" }), ALL)).toBeUndefined();
  expect(requestKey(asked("/p", { "transfer-encoding": "chunked" }), ALL)).toBeUndefined();
  expect(requestKey(asked("/p", { "content-length": "0" }), ALL)).toBeDefined();
});

test("hosts are apart, and only those of the list are cached", () => {
  const keyOf = (host: string, hosts?: readonly string[]): string | undefined =>
    requestKey(asked("/p", { host }), { query: undefined, hosts })?.key;
  expect(keyOf("a.example")).not.toBe(keyOf("b.example"));
  expect(keyOf("A.Example")).toBe(keyOf("a.example"));
  expect(keyOf("evil.example", ["a.example"])).toBeUndefined();
  for (const host of ["a b", "a/b", "", "a@b", "a:123456"]) expect(keyOf(host)).toBeUndefined();
});

test("with a list, the query counts by these names alone, and the handler sees no others", async () => {
  let runs = 0;
  const { get } = await startApp(
    (app) =>
      app.get("/p", (request, response) => {
        runs++;
        response.set("cache-control", "max-age=60").json(request.query);
      }),
    { query: ["page", "sort"] },
  );
  const urls = [
    "/p?page=2&sort=a",
    "/p?sort=a&page=2",
    "/p?utm_x=1;cb=evil&page=2&sort=a&callback=evil",
  ];
  for (const url of urls) expect((await get(url)).body).toBe('{"page":"2","sort":"a"}');
  expect(runs).toBe(1);
});

test("two addresses with one key give one response", () => {
  const part = fc.constantFrom(
    "page",
    "sort",
    "utm",
    "a",
    "b",
    "1",
    "=",
    "&",
    ";",
    "+",
    "%20",
    "%61",
    "%26",
  );
  const url = fc.array(part, { maxLength: 8 }).map((parts) => `/p?${parts.join("")}`);
  fc.assert(
    fc.property(url, url, (a, b) => {
      const rules = { query: ["page", "sort"], hosts: undefined };
      const [one, other] = [requestKey(asked(a), rules), requestKey(asked(b), rules)];
      if (one === undefined || other === undefined || one.key !== other.key) return;
      // What the handler sees is the same, however the two were written.
      const seen = (shown: string | undefined, own: string): string =>
        JSON.stringify([...new URLSearchParams((shown ?? own).split("?")[1])]);
      expect(seen(one.url, a)).toBe(seen(other.url, b));
    }),
  );
});

test("what Node takes from the wire has a key only if it is plain", async () => {
  const keys: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    keys.push(requestKey(request, ALL)?.key);
    response.end();
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  for (const target of ["/plain", "/..;/admin", "http://127.0.0.1/abs"]) {
    const socket = connect(port, "127.0.0.1");
    socket.end(`GET ${target} HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n`);
    await new Promise((resolve) => socket.resume().once("close", resolve));
  }
  expect(keys.map((key) => key !== undefined)).toEqual([true, false, false]);
});
