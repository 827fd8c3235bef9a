/** The servers that the corpus is sent to: the proxy as users mount it, and naive ones that it must catch. */

import { createServer, type RequestListener, request, type ServerOptions } from "node:http";
import { connect, createServer as createTcpServer, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { ProxyHandler, ProxyOptions } from "@headroom/lb";
import express from "express";
import { onTestFinished } from "vitest";
import { balancing, listening } from "../../packages/lb/test/web-servers.ts";
import type { StartFront } from "./lb-proxy-verdict.ts";

/**
 * One connection to the upstream, which all clients share one after another: what one leaves behind
 * on it the next one meets. No retries: a request is sent once or not at all.
 */
function proxyTo(url: string, options: ProxyOptions): ProxyHandler {
  const lb = balancing([{ id: "upstream", url }], { connections: 1, retry: false });
  return lb.proxy({ pseudonym: "test", ...options });
}

/** `createServer(proxy)`, which takes upgrades, too. */
export const nodeFront =
  (options: ProxyOptions = {}, settings: ServerOptions = {}): StartFront =>
  async (url) => {
    const proxy = proxyTo(url, options);
    const server = createServer(settings, proxy);
    server.on("upgrade", proxy.upgrade);
    return { port: await serving(server) };
  };

/** `app.use(proxy)`, or below a path. */
export const expressFront =
  (options: ProxyOptions = {}, mountedAt = "/"): StartFront =>
  async (url) => {
    const app = express();
    app.use(mountedAt, proxyTo(url, options));
    return { port: await serving(createServer(app)) };
  };

/** Passes bytes on as they come, on a connection for each client. */
export const tcpPipe: StartFront = async (url) => {
  const port = Number(new URL(url).port);
  return {
    port: await serving(
      createTcpServer((client) => {
        const upstream = connect(port, "127.0.0.1");
        for (const [from, to] of [[client, upstream] as const, [upstream, client] as const]) {
          from.on("error", () => to.destroy());
          from.pipe(to);
        }
      }),
    ),
  };
};

/** What is written in an afternoon: the URL resolved, the headers copied, the answer piped. */
export const blindCopy: StartFront = async (url) => {
  const forward: RequestListener = (incoming, response) => {
    const outgoing = request(
      new URL(incoming.url ?? "/", url),
      { method: incoming.method ?? "GET", headers: incoming.headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
        answer.pipe(response);
      },
    );
    outgoing.on("error", () => response.writeHead(502).end());
    incoming.pipe(outgoing);
  };
  return { port: await serving(createServer(forward)) };
};

async function serving(server: Server): Promise<number> {
  const sockets = new Set<Socket | Duplex>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  });
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return await listening(server);
}
