/** The little of Express and `node:http` that is needed; nothing here imports Express. */

import type { IncomingMessage, ServerResponse } from "node:http";

/** `originalUrl` is what came over the wire, where a router has cut `url`. */
export type CacheRequest = IncomingMessage & { readonly originalUrl?: string | undefined };

/** Goes between a request and its handler, in Express, Connect or by hand. */
export type CacheMiddleware = (
  request: CacheRequest,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;
