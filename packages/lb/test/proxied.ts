/** A proxy in front of real web servers, and raw sockets to speak to it. */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import type { LoadBalancer } from "../src/http/load-balancer.ts";
import type { ProxyOptions } from "../src/http/proxy-options.ts";

export interface ProxyServer {
  readonly url: string;
  readonly port: number;
}

/** A server whose every request goes through `lb.proxy`, and whose upgrades do, too. */
export async function proxying(
  lb: LoadBalancer,
  options: ProxyOptions = {},
  before?: (request: IncomingMessage, response: ServerResponse, next: () => void) => void,
): Promise<ProxyServer> {
  const proxy = lb.proxy({ pseudonym: "test", ...options });
  const server = createServer((request, response) => {
    const next = (): void => proxy(request, response);
    if (before === undefined) next();
    else before(request, response, next);
  });
  server.on("upgrade", proxy.upgrade);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, port };
}

/** Sends these bytes and gives all that comes back until the connection ends. */
export function exchangeRaw(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes, "latin1"));
    let received = "";
    socket.setEncoding("latin1");
    socket.on("data", (chunk) => {
      received += chunk;
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(received));
  });
}

/** A connection, and a way to wait for what it brings. */
export async function openSocket(
  port: number,
): Promise<{ socket: Socket; until: (text: string) => Promise<string> }> {
  const socket = connect(port, "127.0.0.1");
  let received = "";
  const waiting = new Set<() => void>();
  socket.setEncoding("latin1");
  socket.on("error", () => {});
  socket.on("data", (chunk) => {
    received += chunk;
    for (const look of waiting) look();
  });
  onTestFinished(() => void socket.destroy());
  const until = (text: string): Promise<string> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (!received.includes(text)) return;
        waiting.delete(look);
        resolve(received);
      };
      waiting.add(look);
      look();
    });
  await new Promise((resolve) => socket.once("connect", resolve));
  return { socket, until };
}
