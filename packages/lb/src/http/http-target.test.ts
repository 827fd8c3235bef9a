/** Connections: where they go, what they say, and that a bad request does not cost one. */

import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import { createServer } from "node:https";
import { text } from "node:stream/consumers";
import type { TLSSocket } from "node:tls";
import { expect, onTestFinished, test, vi } from "vitest";
import { type SelfSigned, selfSigned } from "../../test/self-signed.ts";
import {
  answering,
  balancing,
  idle,
  listening,
  rejection,
  reply,
  targetStats,
  webServer,
} from "../../test/web-servers.ts";
import type { Discovery } from "../discovery.ts";
import type { HttpAddress } from "./http-endpoint.ts";
import { createLoadBalancer, type LoadBalancerOptions } from "./load-balancer.ts";

/** A discovery that knows one server. */
const found = (address: HttpAddress): Discovery<HttpAddress> =>
  async function* () {
    yield [{ id: "found", target: address }];
  };

function over(address: HttpAddress, options: Partial<LoadBalancerOptions> = {}) {
  const lb = createLoadBalancer({ targets: found(address), ...options });
  onTestFinished(() => lb.destroy());
  return lb;
}

interface SecureServer {
  readonly port: number;
  /** Server names asked for, one for each connection; `false` when none was. */
  readonly names: (string | false | undefined)[];
  readonly hosts: (string | undefined)[];
}

async function secure({ key, cert }: SelfSigned): Promise<SecureServer> {
  const names: SecureServer["names"] = [];
  const hosts: SecureServer["hosts"] = [];
  const server = createServer({ key, cert }, (request, response) => {
    hosts.push(request.headers.host);
    reply(response, 200, "secure");
  });
  server.on("secureConnection", (socket: TLSSocket & { servername?: string | false }) => {
    names.push(socket.servername);
  });
  const port = await listening(server);
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port, names, hosts };
}

test("requests that undici refuses do not use up its connections", async () => {
  const a = await answering("a");
  const lb = balancing([a], { connections: 1 });
  for (let sent = 0; sent < 3; sent++) {
    const bad = { path: "/", method: "GET", headers: { "not a name": "x" } } as const;
    expect(await rejection(lb.request(bad))).toMatchObject({ code: "UND_ERR_INVALID_ARG" });
  }
  await (await lb.request({ path: "/", method: "GET" })).body.dump();
  const busy = lb.request({ path: "/", method: "GET" });
  const bad = { path: "/", method: "GET", headers: { "not a name": "x" } } as const;
  expect(await rejection(lb.request(bad))).toMatchObject({ code: "UND_ERR_INVALID_ARG" });
  await (await busy).body.dump();
  expect((await lb.request({ path: "/", method: "GET" })).statusCode).toBe(200);
  expect(a.sockets.size).toBe(1);
});

test("no more connections than allowed", async () => {
  const a = await webServer("a", (_request, response) => {
    setImmediate(() => reply(response, 200, "a"));
  });
  const lb = balancing([a], { connections: 2 });
  const answers = Array.from({ length: 20 }, async () => {
    const { body } = await lb.request({ path: "/", method: "GET" });
    return body.text();
  });
  await Promise.all(answers);
  expect(a.sockets.size).toBe(2);
});

test("what DNS found: the socket goes to the address, Host keeps the name", async () => {
  const a = await answering("a");
  const lb = over({ hostname: "api.does-not-exist.invalid", address: "127.0.0.1", port: a.port });
  const { body } = await lb.request({ path: "/", method: "GET" });
  expect(await body.text()).toBe("a");
  expect(a.seen[0]?.headers["host"]).toBe(`api.does-not-exist.invalid:${a.port}`);
});

test("TLS: the certificate is checked for the name, over the address", async () => {
  const certificate = selfSigned("api.internal.test");
  const server = await secure(certificate);
  const address = { hostname: "api.internal.test", address: "127.0.0.1", port: server.port };
  const lb = over(address, { protocol: "https", tls: { ca: certificate.cert } });
  const { body } = await lb.request({ path: "/", method: "GET" });
  expect(await body.text()).toBe("secure");
  expect(server.names).toEqual(["api.internal.test"]);
  expect(server.hosts).toEqual([`api.internal.test:${server.port}`]);
});

test("TLS: what the request calls its host changes neither the name nor the connection", async () => {
  const certificate = selfSigned("api.internal.test");
  const server = await secure(certificate);
  const address = { hostname: "api.internal.test", address: "127.0.0.1", port: server.port };
  const lb = over(address, { protocol: "https", tls: { ca: certificate.cert }, connections: 1 });
  for (const host of ["one.example", "two.example"]) {
    const { body } = await lb.request({ path: "/", method: "GET", headers: { host } });
    await body.dump();
  }
  expect(server.hosts).toEqual(["one.example", "two.example"]);
  expect(server.names).toEqual(["api.internal.test"]);
});

test("TLS to an address: no server name, and the certificate must be for the address", async () => {
  const certificate = selfSigned();
  const server = await secure(certificate);
  const url = `https://127.0.0.1:${server.port}`;
  const lb = balancing([{ id: "a", url }], { tls: { ca: certificate.cert } });
  const { statusCode, body } = await lb.request({
    path: "/",
    method: "GET",
    headers: { host: "one.example" },
  });
  await body.dump();
  expect(statusCode).toBe(200);
  expect(server.names).toEqual([false]);
});

test("TLS: a certificate that is not trusted, or for another name, is a failure of the target", async () => {
  const certificate = selfSigned("other.test");
  const server = await secure(certificate);
  const address = { hostname: "api.internal.test", address: "127.0.0.1", port: server.port };
  for (const tls of [{}, { ca: certificate.cert }]) {
    const lb = over(address, { protocol: "https", tls });
    const error = await rejection(lb.request({ path: "/", method: "POST", body: "x" }));
    expect(error).toMatchObject({ code: "LB_UPSTREAM", target: "found" });
    expect(error.message).toContain("TLS");
    expect(targetStats(lb, "found").failures).toBe(1);
  }
  expect(server.hosts).toEqual([]);
});

test("TLS: the configured server name comes before the host's", async () => {
  const certificate = selfSigned("other.test");
  const server = await secure(certificate);
  const address = { hostname: "api.internal.test", address: "127.0.0.1", port: server.port };
  const tls = { ca: certificate.cert, servername: "other.test" };
  const lb = over(address, { protocol: "https", tls });
  expect((await lb.request({ path: "/", method: "GET" })).statusCode).toBe(200);
  expect(server.names).toEqual(["other.test"]);
});

async function http2Server(
  answer: (request: Http2ServerRequest, response: Http2ServerResponse) => void,
) {
  const certificate = selfSigned("localhost");
  const server = createSecureServer({ ...certificate, allowHTTP1: true }, answer);
  const sessions = new Set<{ destroy(): void }>();
  server.on("session", (session) => {
    sessions.add(session);
    session.on("error", () => {});
  });
  const port = await listening(server);
  onTestFinished(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  return { url: `https://127.0.0.1:${port}`, tls: { ca: certificate.cert }, sessions };
}

test("HTTP/2: many requests on one connection", async () => {
  const versions = new Set<string>();
  const server = await http2Server(async (request, response) => {
    versions.add(request.httpVersion);
    response.setHeader("x-mark", "h2");
    response.end(`${request.method} ${await text(request)}`);
  });
  const options = { allowH2: true, tls: server.tls, connections: 1, pipelining: 100 };
  const lb = balancing([{ id: "a", url: server.url }], options);
  const answers = await Promise.all(
    Array.from({ length: 20 }, async (_, at) => {
      const method = at % 2 === 0 ? "GET" : "PUT";
      const body = method === "PUT" ? `body ${at}` : null;
      const answer = await lb.request({ path: "/", method, body });
      expect([answer.statusCode, answer.headers["x-mark"]]).toEqual([200, "h2"]);
      return answer.body.text();
    }),
  );
  expect(answers[0]).toBe("GET ");
  expect(answers[3]).toBe("PUT body 3");
  expect([...versions]).toEqual(["2.0"]);
  expect(server.sessions.size).toBe(1);
  await idle(lb);
});

test("HTTP/2: failed answers and reset streams go elsewhere", async () => {
  const failing = await http2Server((request, response) => {
    if (request.url === "/reset") return response.stream.close(2); // INTERNAL_ERROR
    response.writeHead(503);
    response.end("x".repeat(1_000));
  });
  const b = await answering("b");
  const lb = balancing([{ id: "a", url: failing.url }, b], { allowH2: true, tls: failing.tls });
  for (const path of ["/", "/reset"]) {
    const { statusCode, body } = await lb.request({ path, method: "GET" });
    expect([statusCode, await body.text()]).toEqual([200, "b"]);
  }
  await idle(lb);
  expect(targetStats(lb, "a").failures).toBe(2);
});

test("HTTP/2: given up before and after the headers, without losing the connection", async () => {
  const server = await http2Server((request, response) => {
    if (request.url === "/silent") return;
    response.writeHead(200);
    response.write("half");
    if (request.url === "/whole") response.end();
  });
  const lb = balancing([{ id: "a", url: server.url }], { allowH2: true, tls: server.tls });
  const reason = new Error("enough");
  const early = new AbortController();
  const silent = rejection(lb.request({ path: "/silent", method: "GET", signal: early.signal }));
  await vi.waitFor(() => expect(server.sessions.size).toBe(1));
  early.abort(reason);
  expect(await silent).toBe(reason);
  const late = new AbortController();
  const { body } = await lb.request({ path: "/half", method: "GET", signal: late.signal });
  late.abort(reason);
  expect(await rejection(body.text())).toBe(reason);
  await idle(lb);
  const whole = await lb.request({ path: "/whole", method: "GET" });
  expect(await whole.body.text()).toBe("half");
  expect(targetStats(lb, "a").failures).toBe(0);
});
