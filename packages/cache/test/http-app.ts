/** An Express application behind a cache, and requests to it over real sockets. */

import { type IncomingHttpHeaders, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import express, { type Express } from "express";
import { onTestFinished } from "vitest";
import type { Cache } from "../src/cache.ts";
import { createCache } from "../src/cache.ts";
import { cacheResponse } from "../src/http/cache-response.ts";
import type { CacheResponseOptions } from "../src/http/cache-response-options.ts";

interface Got {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface HttpApp {
  readonly cache: Cache;
  readonly port: number;
  /** Paths are sent as they are written. */
  get(path: string, headers?: Record<string, string>, method?: string): Promise<Got>;
}

/** `routes` are behind the cache. */
export async function startApp(
  routes: (app: Express) => void,
  options: CacheResponseOptions = {},
  cache: Cache = createCache(),
): Promise<HttpApp> {
  const app = express();
  app.disable("x-powered-by");
  app.use(cacheResponse(cache, options));
  routes(app);
  app.use((error: Error, _request: unknown, response: express.Response, _next: unknown) => {
    response.status(500).send(error.message);
  });
  const server = app.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  onTestFinished(async () => {
    await stop(server);
    await cache.close();
  });
  const { port } = server.address() as AddressInfo;
  return { cache, port, get: (path, headers, method) => send(port, path, headers, method) };
}

function send(
  port: number,
  path: string,
  headers: Record<string, string> = {},
  method = "GET",
): Promise<Got> {
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: "127.0.0.1", port, path, headers, method, agent: false },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk) => chunks.push(chunk));
        answer.on("error", reject);
        answer.on("end", () =>
          resolve({
            status: answer.statusCode ?? 0,
            headers: answer.headers,
            body: Buffer.concat(chunks).toString(),
          }),
        );
      },
    );
    sent.on("error", reject);
    sent.end();
  });
}

function stop(server: Server): Promise<unknown> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(resolve));
}
