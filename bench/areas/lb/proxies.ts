/**
 * Reverse proxies, each as its own documentation has it, with connections that are kept alive.
 *
 * All get the same two backends. Those that know but one target are given them in turn.
 */

import { once } from "node:events";
import {
  Agent,
  createServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
  request as sendRequest,
} from "node:http";
import type { AddressInfo } from "node:net";
import { createLoadBalancer } from "@headroom/lb";
import { type Dispatcher, Pool } from "undici";
import type { ServerVariant } from "../../src/area.ts";

/** Given the backends' origins, serves at an origin of its own. */
export type OpenProxy = ServerVariant<readonly string[], string>;

const LOOPBACK = "127.0.0.1";

export const ours: OpenProxy = (targets, resources) => {
  const lb = createLoadBalancer({ targets });
  resources.defer(() => lb.destroy());
  return serve(lb.proxy(), resources);
};

/** The physical floor: `http.request` and two pipes. */
export const nodeHttp: OpenProxy = (origins, resources) => {
  const agent = keepAliveAgent(resources);
  const next = inTurn(origins.map((origin) => new URL(origin)));
  return serve((request, response) => {
    const { hostname, port } = next();
    const { method, url: path, headers } = request;
    const upstream = sendRequest({ agent, hostname, port, method, path, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    upstream.on("error", () => response.destroy());
    request.pipe(upstream);
  }, resources);
};

/** The least that a proxy on undici can be. */
export const undiciDispatch: OpenProxy = (origins, resources) => {
  const pools = origins.map((origin) => new Pool(origin));
  for (const pool of pools) resources.defer(() => pool.destroy());
  const next = inTurn(pools);
  return serve((request, response) => {
    const { method = "GET", url: path = "/" } = request;
    const { connection: _, "transfer-encoding": chunked, ...headers } = request.headers;
    const hasBody = chunked !== undefined || headers["content-length"] !== undefined;
    next().dispatch(
      { method: method as Dispatcher.HttpMethod, path, headers, body: hasBody ? request : null },
      new Relay(response),
    );
  }, resources);
};

class Relay implements Dispatcher.DispatchHandler {
  readonly #response: ServerResponse;

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  onRequestStart(): void {}

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    statusCode: number,
    { connection: _, "keep-alive": _keepAlive, ...headers }: IncomingMessage["headers"],
  ): void {
    this.#response.writeHead(statusCode, headers);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#response.write(chunk)) return;
    controller.pause();
    this.#response.once("drain", () => controller.resume());
  }

  onResponseEnd(): void {
    this.#response.end();
  }

  onResponseError(): void {
    this.#response.destroy();
  }
}

/** With a list of origins it balances by undici's BalancedPool. */
export const replyFrom: OpenProxy = async (origins, resources) => {
  const { default: fastify } = await import("fastify");
  const { default: plugin } = await import("@fastify/reply-from");
  const app = fastify();
  resources.defer(() => app.close());
  // Bodies pass through unread, as in @fastify/http-proxy.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", (_request, payload, done) => done(null, payload));
  await app.register(plugin, { base: [...origins] });
  app.all("/*", (request, reply) => reply.from(request.url));
  return app.listen({ host: LOOPBACK, port: 0 });
};

export const httpProxy3: OpenProxy = async (origins, resources) => {
  const { default: httpProxy } = await import("http-proxy-3");
  const proxy = httpProxy.createProxyServer({ agent: keepAliveAgent(resources) });
  proxy.on("error", (_error, _request, response) => response.destroy());
  const next = inTurn(origins);
  return serve((request, response) => proxy.web(request, response, { target: next() }), resources);
};

export const httpxy: OpenProxy = async (origins, resources) => {
  const { createProxyServer } = await import("httpxy");
  const proxy = createProxyServer({ agent: keepAliveAgent(resources) });
  const next = inTurn(origins);
  return serve((request, response) => {
    proxy.web(request, response, { target: next() }).catch(() => response.destroy());
  }, resources);
};

function keepAliveAgent(resources: AsyncDisposableStack): Agent {
  const agent = new Agent({ keepAlive: true });
  resources.defer(() => agent.destroy());
  return agent;
}

async function serve(listener: RequestListener, resources: AsyncDisposableStack): Promise<string> {
  const server = createServer(listener);
  resources.defer(() => {
    server.close();
    server.closeAllConnections();
  });
  await once(server.listen(0, LOOPBACK), "listening");
  return `http://${LOOPBACK}:${(server.address() as AddressInfo).port}`;
}

function inTurn<T>(items: readonly T[]): () => T {
  const [first] = items;
  if (first === undefined) throw new Error("there is nothing to take in turn");
  let taken = -1;
  return () => {
    taken += 1;
    return items[taken % items.length] ?? first;
  };
}
