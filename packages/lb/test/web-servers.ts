/** Real web servers in the test's own process, and load balancers over them that must end idle. */

import { createServer, type RequestListener, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { expect, onTestFinished, vi } from "vitest";
import {
  createLoadBalancer,
  type LoadBalancer,
  type LoadBalancerOptions,
} from "../src/http/load-balancer.ts";
import type { Policy } from "../src/policy.ts";

interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface WebServer {
  readonly id: string;
  readonly url: string;
  readonly port: number;
  readonly server: Server;
  /** What arrived, in order. */
  readonly seen: SeenRequest[];
  /** Open connections. */
  readonly sockets: Set<Socket | Duplex>;
  /** Answers each request; may be changed. */
  answer: RequestListener;
  stop(): Promise<void>;
}

/** A server on a free port; it ends with the test. */
export async function webServer(id: string, answer: RequestListener): Promise<WebServer> {
  const server = createServer((request, response) => {
    const { method = "", url: path = "", headers } = request;
    web.seen.push({ method, path, headers });
    web.answer(request, response);
  });
  const port = await listening(server);
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
  });
  const stop = (): Promise<void> => {
    server.closeAllConnections();
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(() => resolve()));
  };
  const url = `http://127.0.0.1:${port}`;
  const web: WebServer = { id, url, port, server, seen: [], sockets, answer, stop };
  onTestFinished(stop);
  return web;
}

export function listening(server: {
  listen(port: number, host: string, done: () => void): unknown;
  address(): AddressInfo | string | null;
}): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}

/** `status` and the server's id as the body. */
export function answering(id: string, status = 200, headers: Record<string, string> = {}) {
  return webServer(id, (request, response) => {
    request.resume();
    reply(response, status, id, headers);
  });
}

export function reply(
  response: ServerResponse,
  status: number,
  body = "",
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, headers);
  response.end(body);
}

/** A port on which nothing listens. */
export async function refusing(id: string): Promise<{ id: string; url: string }> {
  const server = createServer();
  const port = await listening(server);
  await new Promise((resolve) => server.close(resolve));
  return { id, url: `http://127.0.0.1:${port}` };
}

/** The first by id that is not excluded: a test knows where a request goes, and where next. */
export const inOrder: Policy = {
  name: "in-order",
  picker: (available) => ({
    pick: ({ exclude }) => available.find((candidate) => exclude?.has(candidate) !== true),
  }),
};

/**
 * A load balancer that asks its servers in the order of their ids. When the test ends, nothing may be
 * in flight: every lease was given back.
 */
export function balancing(
  targets: readonly { readonly id: string; readonly url: string }[],
  options: Partial<LoadBalancerOptions> = {},
): LoadBalancer {
  const lb = createLoadBalancer({
    targets: targets.map(({ id, url }) => ({ id, url })),
    policy: inOrder,
    ...options,
  });
  onTestFinished(async () => {
    try {
      await idle(lb);
    } finally {
      await lb.destroy();
    }
  });
  return lb;
}

/** Resolves when nothing is in flight. */
export async function idle(lb: Pick<LoadBalancer, "stats">): Promise<void> {
  await vi.waitFor(() => expect(lb.stats().inFlight).toBe(0), { timeout: 2_000, interval: 5 });
}

/** What one target counts. */
export function targetStats(lb: Pick<LoadBalancer, "stats">, id: string) {
  const found = lb.stats().targets.find((target) => target.id === id);
  if (found === undefined) throw new Error(`no target ${id}`);
  return found;
}

/** The error that a promise rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<Error & { code?: string }> {
  const error = await promise.then(
    () => new Error("it did not reject"),
    (reason) => reason,
  );
  return error;
}
