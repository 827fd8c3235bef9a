import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { expect, test, vi } from "vitest";
import { exchangeRaw, openSocket, proxying } from "../../test/proxied.ts";
import { answering, balancing, idle, refusing, reply, webServer } from "../../test/web-servers.ts";
import { deferred } from "../deferred.ts";

test("passes a request on and its answer back, headers and body", async () => {
  const a = await webServer("a", async (request, response) => {
    const body: Buffer[] = [];
    for await (const chunk of request) body.push(chunk as Buffer);
    reply(response, 201, Buffer.concat(body).toString().toUpperCase(), { "x-made-by": "a" });
  });
  const proxy = await proxying(balancing([a]));
  const response = await fetch(`${proxy.url}/photos?size=2`, {
    method: "POST",
    body: "hello",
    headers: { "x-own": "1" },
  });
  expect(response.status).toBe(201);
  expect(response.headers.get("x-made-by")).toBe("a");
  expect(await response.text()).toBe("HELLO");
  expect(a.seen).toMatchObject([
    { method: "POST", path: "/photos?size=2", headers: { "x-own": "1", "content-length": "5" } },
  ]);
});

test("says who asked, and believes nobody else who says so", async () => {
  const a = await answering("a");
  const proxy = await proxying(balancing([a]));
  await fetch(proxy.url, { headers: { "x-forwarded-for": "6.6.6.6", forwarded: "for=6.6.6.6" } });
  expect(a.seen[0]?.headers).toMatchObject({ "x-forwarded-for": "127.0.0.1" });
  expect(a.seen[0]?.headers["forwarded"]).toBeUndefined();
});

test("what is for one hop only stays there, both ways", async () => {
  const a = await answering("a", 200, { "keep-alive": "timeout=9", "proxy-authenticate": "x" });
  const proxy = await proxying(balancing([a]));
  const answer = await exchangeRaw(
    proxy.port,
    "GET / HTTP/1.1\r\nHost: x\r\nConnection: close, x-secret\r\nX-Secret: 1\r\nTE: gzip\r\n" +
      "Proxy-Authorization: y\r\nX-Kept: 1\r\n\r\n",
  );
  expect(answer).toMatch(/^HTTP\/1.1 200 /);
  expect(answer).not.toMatch(/proxy-authenticate|timeout=9/i);
  const headers: Readonly<Record<string, unknown>> = a.seen[0]?.headers ?? {};
  expect(headers).toMatchObject({ "x-kept": "1" });
  for (const name of ["x-secret", "te", "proxy-authorization"])
    expect(headers[name]).toBeUndefined();
});

test("a server that fails costs the client nothing", async () => {
  const [bad, gone, good] = [await answering("a", 500), await refusing("b"), await answering("c")];
  const proxy = await proxying(balancing([bad, gone, good]));
  for (let request = 0; request < 10; request++) {
    const response = await fetch(proxy.url);
    expect([response.status, await response.text()]).toEqual([200, "c"]);
  }
});

test.each([
  ["nobody listens", async () => refusing("a"), 502],
  [
    "the answer is no HTTP",
    async () => webServer("a", (_, { socket }) => void socket?.end("what?\r\n\r\n")),
    502,
  ],
])("when %s the client is told so", async (_, server, status) => {
  const proxy = await proxying(balancing([await server()]));
  const response = await fetch(proxy.url);
  expect([response.status, await response.text()]).toEqual([status, `${status} Bad Gateway\n`]);
});

test("onError answers instead", async () => {
  const onError = vi.fn((_error, _request, response) => response.end("sorry"));
  const proxy = await proxying(balancing([await refusing("a")]), { onError });
  const response = await fetch(proxy.url);
  expect([response.status, await response.text()]).toEqual([502, "sorry"]);
  expect(onError.mock.calls[0]?.[0]).toMatchObject({ code: "LB_UPSTREAM", target: "a" });
});

test.each([
  ["two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"],
  ["another server", "GET //evil.test/ HTTP/1.1\r\nHost: a\r\n\r\n"],
  ["an absolute target", "GET http://evil.test/ HTTP/1.1\r\nHost: a\r\n\r\n"],
  ["a backslash", "GET /\\evil.test HTTP/1.1\r\nHost: a\r\n\r\n"],
  [
    "length and chunks",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  ],
])("refuses %s with 400, and no server hears of it", async (_, bytes) => {
  const a = await answering("a");
  const proxy = await proxying(balancing([a]));
  expect(await exchangeRaw(proxy.port, bytes)).toMatch(/^HTTP\/1.1 400 /);
  expect(a.seen).toEqual([]);
});

test("pipelined requests are answered in their order", async () => {
  const a = await webServer("a", (request, response) => reply(response, 200, `<${request.url}>`));
  const proxy = await proxying(balancing([a]));
  const answer = await exchangeRaw(
    proxy.port,
    "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n" +
      "GET /3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
  );
  expect(answer.match(/<\/\d>/g)).toEqual(["</1>", "</2>", "</3>"]);
});

test.each([
  ["HEAD", 200, "5"],
  ["GET", 304, undefined],
  ["GET", 204, undefined],
])("%s with %d has no body and ends", async (method, status, length) => {
  const headers = length === undefined ? {} : { "content-length": length };
  const a = await webServer("a", (_, response) => response.writeHead(status, headers).end());
  const proxy = await proxying(balancing([a]));
  const answer = await exchangeRaw(
    proxy.port,
    `${method} / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
  );
  expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(answer.endsWith("\r\n\r\n")).toBe(true);
});

test("a client that goes away aborts the request at its server", async () => {
  const closed = deferred();
  const a = await webServer("a", (_, response) => {
    response.writeHead(200).write("half");
    response.on("close", () => closed.resolve());
  });
  const lb = balancing([a]);
  const proxy = await proxying(lb);
  const { socket, until } = await openSocket(proxy.port);
  socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  await until("half");
  socket.destroy();
  await closed.promise;
  await idle(lb);
});

test("an answer that breaks off is not taken for whole", async () => {
  const a = await webServer("a", (_, response) => {
    response.writeHead(200, { "content-length": "100" }).write("half", () => response.destroy());
  });
  const proxy = await proxying(balancing([a]));
  const response = await fetch(proxy.url);
  await expect(response.text()).rejects.toThrow();
});

test("a slow client holds its server back: nothing piles up in the proxy", async () => {
  let written = 0;
  const chunk = Buffer.alloc(65_536);
  const total = 1_000 * chunk.length;
  const a = await webServer("a", (_, response) => {
    const write = (): void => {
      while (written < total) {
        written += chunk.length;
        if (!response.write(chunk)) return void response.once("drain", write);
      }
      response.end();
    };
    write();
  });
  const proxy = await proxying(balancing([a]));
  const request = httpRequest(proxy.url).end();
  const [response] = await once(request, "response");
  response.pause();
  // Whatever fits into buffers on the way is written; then nothing more is.
  let before = -1;
  while (before !== written) {
    before = written;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  expect(written).toBeLessThan(total / 2);
  let received = 0;
  for await (const piece of response) received += piece.length;
  expect(received).toBe(total);
});

test.each([
  ["says so", { "content-length": "200000" }],
  ["shows as it comes", { "transfer-encoding": "chunked" }],
])("a body larger than allowed is refused when it %s", async (_, headers) => {
  const a = await answering("a");
  const proxy = await proxying(balancing([a]), { limits: { maxBodyBytes: 100_000 } });
  const client = httpRequest(proxy.url, { method: "POST", headers });
  client.on("error", () => {});
  client.end(Buffer.alloc(200_000));
  const [response] = await once(client, "response");
  response.resume();
  expect([response.statusCode, response.headers.connection]).toEqual([413, "close"]);
});

test("a body as large as allowed is passed on", async () => {
  const a = await webServer("a", async (request, response) => {
    let bytes = 0;
    for await (const chunk of request) bytes += (chunk as Buffer).length;
    reply(response, 200, String(bytes));
  });
  const proxy = await proxying(balancing([a]), { limits: { maxBodyBytes: 100_000 } });
  const response = await fetch(proxy.url, { method: "POST", body: Buffer.alloc(100_000) });
  expect(await response.text()).toBe("100000");
});

test("an answer larger than allowed breaks off, and is an error for who fetches it", async () => {
  const a = await webServer("a", (_, response) => void response.end(Buffer.alloc(200_000)));
  const lb = balancing([a], { maxResponseBytes: 100_000 });
  const proxy = await proxying(lb);
  await expect(fetch(proxy.url).then((response) => response.arrayBuffer())).rejects.toThrow();
  const { body } = await lb.request({ path: "/", method: "GET" });
  await expect(body.arrayBuffer()).rejects.toMatchObject({ code: "LB_UPSTREAM" });
});

test("a body that was read before is a clear failure, not a request without end", async () => {
  const a = await answering("a");
  const proxy = await proxying(balancing([a]), {}, (request, _, next) => {
    request.on("data", () => {}).on("end", next);
  });
  const response = await fetch(proxy.url, { method: "POST", body: "hello" });
  expect(response.status).toBe(500);
  expect(a.seen).toEqual([]);
});

test("a large body is passed on as it comes", async () => {
  const a = await webServer("a", async (request, response) => {
    let bytes = 0;
    for await (const chunk of request) bytes += (chunk as Buffer).length;
    reply(response, 200, String(bytes));
  });
  const proxy = await proxying(balancing([a]));
  const body = Buffer.alloc(5_000_000, "x");
  const response = await fetch(proxy.url, { method: "POST", body });
  expect(await response.text()).toBe("5000000");
});

test("a browser keeps its server by a cookie that does not tell which", async () => {
  const servers = await Promise.all(["a", "b", "c"].map((id) => answering(id)));
  const lb = balancing(servers, { policy: "round-robin" });
  const secret = "0123456789abcdef0123456789abcdef";
  const proxy = await proxying(lb, { sticky: { secret, secure: false } });
  const first = await fetch(proxy.url);
  const server = await first.text();
  const cookie = first.headers.get("set-cookie")?.split(";")[0] ?? "";
  expect(cookie).toMatch(/^headroom_lb=[\w-]{20,}$/);
  for (let request = 0; request < 6; request++) {
    const response = await fetch(proxy.url, { headers: { cookie } });
    expect(await response.text()).toBe(server);
    expect(response.headers.get("set-cookie")).toBeNull();
  }
});

test("a request that has been here before goes in a circle", async () => {
  const a = await answering("a");
  const proxy = await proxying(balancing([a]));
  const response = await fetch(proxy.url, { headers: { via: "1.1 test" } });
  expect(response.status).toBe(508);
  expect(a.seen).toEqual([]);
});
