/**
 * Responses of GET handlers, cached for all who ask for the same.
 *
 *     no key (see request-key), Range, ─────────────────────► the handler
 *     or not cacheable a moment ago
 *     fresh response that fits (Vary) ──────────────────────► that, or 304
 *     stale, another request renews it, and it may be served ► that
 *     else one request leads and its handler runs; the others wait for it:
 *       what it answers may be shared ──────────────────────► stored, and that for all
 *       it may not ─────────────────────────────────────────► each runs its own handler
 *       it fails and a stale response may be served ────────► that
 *
 * The leader's client gets the answer while it is written. Invalidation is that of the cache: by
 * tags, or all of a name. While the store cannot be reached handlers answer.
 */

import type { ServerResponse } from "node:http";
import { LRUCache } from "lru-cache";
import type { Definition } from "../definition.ts";
import type { DefinitionOptions } from "../definition-options.ts";
import type { LoadContext } from "../loading.ts";
import {
  type CacheResponseOptions,
  type ResponseRules,
  responseRules,
} from "./cache-response-options.ts";
import { collapsed, type Forwarded, forwarded, hit } from "./cache-status.ts";
import type { CacheMiddleware, CacheRequest } from "./http-types.ts";
import { requestKey } from "./request-key.ts";
import { captureResponse } from "./response-capture.ts";
import { freshLeft, serveStored } from "./serve-stored.ts";
import {
  type Answer,
  type Lifetime,
  lifetimeOf,
  type StoredResponse,
  satisfies,
  storedResponse,
  variantOf,
} from "./stored-response.ts";

/** What is needed of a cache. */
interface Defines {
  define<Id, Value>(name: string, options: DefinitionOptions<Id, Value>): Definition<Id, Value>;
}

/** What is cached, and how a request would make it. */
interface ResponseId {
  readonly key: string;
  readonly lead?: (context: LoadContext<StoredResponse>) => Promise<StoredResponse | undefined>;
}

/** One request on its way through. */
interface Exchange {
  readonly request: CacheRequest;
  readonly response: ServerResponse;
  readonly next: (error?: unknown) => void;
  /** Whether its own handler answers it. */
  isAnswered: boolean;
}

const MOST_UNCACHEABLE = 10_000;

/**
 * Express (or Connect) middleware, in front of the handlers whose GET responses it caches.
 * @throws TypeError or RangeError when an option is unknown or wrong, or the name is taken.
 */
export function cacheResponse(cache: Defines, options: CacheResponseOptions = {}): CacheMiddleware {
  const responses = new ResponseCache(cache, responseRules(options));
  return (request, response, next) => void responses.handle(request, response, next);
}

class ResponseCache {
  readonly #rules: ResponseRules;
  readonly #responses: Definition<ResponseId, StoredResponse>;
  /** Until when a key is known not to be cacheable. */
  readonly #uncacheable = new LRUCache<string, number>({ max: MOST_UNCACHEABLE });
  readonly #renewing = new Set<string>();

  constructor(cache: Defines, rules: ResponseRules) {
    this.#rules = rules;
    this.#responses = cache.define<ResponseId, StoredResponse>(rules.name, {
      key: ({ key }) => key,
      load: async ({ lead }, context) => lead?.(context),
      jitter: 0,
      // A handler runs for a request, never by itself: renewing is done here.
      earlyRefresh: 0,
      errorThrottleMs: 0,
      values: "share",
    });
  }

  async handle(
    request: CacheRequest,
    response: ServerResponse,
    next: (error?: unknown) => void,
  ): Promise<void> {
    const exchange: Exchange = { request, response, next, isAnswered: false };
    const found = requestKey(request, this.#rules);
    if (found === undefined || request.headers.range !== undefined) {
      return this.#pass(exchange, "bypass");
    }
    if (found.url !== undefined) request.url = found.url;
    try {
      if (request.method === "HEAD") this.#head(exchange, found.key);
      else await this.#get(exchange, found.key);
    } catch {
      // The cache cannot be asked: closed, or a load that hung. The application goes on without it.
      if (!exchange.isAnswered) this.#pass(exchange, "miss");
    }
  }

  /** From what this process has: a HEAD makes no response that could be stored. */
  #head(exchange: Exchange, key: string): void {
    const stored = this.#responses.peek({ key });
    const { request } = exchange;
    const isRight = stored !== undefined && satisfies(stored, request.headers);
    const leftMs = isRight ? freshLeft(stored, this.#rules.clock) : 0;
    if (leftMs > 0 && isRight) this.#serve(exchange, stored, hit(this.#rules.label, leftMs));
    else this.#pass(exchange, "uri-miss");
  }

  async #get(exchange: Exchange, key: string): Promise<void> {
    const first = await this.#find(exchange, key, "uri-miss");
    if (exchange.isAnswered) return;
    const { headers } = exchange.request;
    if (first === undefined || satisfies(first, headers)) return this.#answer(exchange, key, first);
    // Another variant has the plain key; this one has a key with what it varies by.
    const variant = variantOf(Object.keys(first.vary), headers);
    const variantKey = key + JSON.stringify(variant);
    const second = await this.#find(exchange, variantKey, "vary-miss");
    if (exchange.isAnswered) return;
    const isRight = second !== undefined && satisfies(second, headers);
    return this.#answer(exchange, variantKey, isRight ? second : undefined);
  }

  /** What is stored; this request's own handler makes it, if no other does. */
  async #find(
    exchange: Exchange,
    key: string,
    why: Forwarded,
  ): Promise<StoredResponse | undefined> {
    const untilMs = this.#uncacheable.get(key);
    if (untilMs !== undefined && this.#rules.clock.monotonicNow() < untilMs) return undefined;
    return this.#responses.get({ key, lead: (context) => this.#lead(exchange, key, context, why) });
  }

  async #answer(
    exchange: Exchange,
    key: string,
    stored: StoredResponse | undefined,
  ): Promise<void> {
    const { clock, label } = this.#rules;
    if (stored === undefined) return this.#pass(exchange, "miss");
    const leftMs = freshLeft(stored, clock);
    const mayBeStale = leftMs > -stored.lifetime.staleWhileRevalidateMs;
    if (leftMs > 0 || (mayBeStale && this.#renewing.has(key))) {
      this.#serve(exchange, stored, hit(label, leftMs));
      return;
    }
    this.#renewing.add(key);
    try {
      const renewed = await this.#responses.refresh({
        key,
        lead: (context) => this.#lead(exchange, key, context, "stale", stored),
      });
      if (exchange.isAnswered) return;
      if (renewed === undefined || !satisfies(renewed, exchange.request.headers)) {
        return this.#pass(exchange, "stale");
      }
      this.#serve(exchange, renewed, collapsed(label, "stale"));
    } finally {
      this.#renewing.delete(key);
    }
  }

  /** Runs this request's handler, and gives what it answers to those who wait, if they may have it. */
  #lead(
    exchange: Exchange,
    key: string,
    context: LoadContext<StoredResponse>,
    why: Forwarded,
    stale?: StoredResponse,
  ): Promise<StoredResponse | undefined> {
    const { request, response } = exchange;
    const { clock, label, maxBodyBytes, defaultTtlMs, tags, passMs } = this.#rules;
    exchange.isAnswered = true;
    const unconditional = withoutConditions(request);
    return new Promise((resolve) => {
      let lifetime: Lifetime | undefined;
      const direct = captureResponse(response, {
        maxBodyBytes,
        clock,
        answered: (answer) => {
          unconditional.restore();
          if (stale !== undefined && answer.status >= 500 && mayReplace(stale, clock)) {
            // Once the handler's call has returned: it is in the middle of writing its own.
            queueMicrotask(() => this.#replace(exchange, stale, direct));
            return "replace";
          }
          lifetime = lifetimeOf(request.headers, answer, defaultTtlMs);
          response.setHeader("cache-status", forwarded(label, why, lifetime !== undefined));
          return lifetime === undefined ? "pass" : "keep";
        },
        ended: (answer, body) => {
          unconditional.restore();
          if (answer === undefined || body === undefined || lifetime === undefined) {
            this.#notShared(key, answer, stale !== undefined, passMs);
            return resolve(undefined);
          }
          context.setTtlMs(keptMs(lifetime));
          context.addTags(...tags(request, response));
          resolve(this.#stored(exchange, answer, body, lifetime));
        },
      });
      exchange.next();
    });
  }

  /** An error of the moment leaves what is stored; any other answer says that it is out of date. */
  #notShared(key: string, answer: Answer | undefined, isStored: boolean, passMs: number): void {
    const isError = answer === undefined || answer.status >= 500;
    if (!isStored) this.#uncacheable.set(key, this.#rules.clock.monotonicNow() + passMs);
    else if (!isError) void this.#responses.invalidate({ key }).catch(() => {});
  }

  #stored(
    { request }: Exchange,
    answer: Answer,
    body: Uint8Array,
    lifetime: Lifetime,
  ): StoredResponse {
    const nowMs = this.#rules.clock.now();
    const date = answer.headers["date"] ?? new Date(nowMs).toUTCString();
    const dated = { ...answer, headers: { ...answer.headers, date } };
    return storedResponse(request.headers, dated, body, lifetime, nowMs);
  }

  #replace(
    { request, response }: Exchange,
    stale: StoredResponse,
    direct: Parameters<typeof serveStored>[5],
  ): void {
    const { clock, label } = this.#rules;
    for (const name of response.getHeaderNames()) response.removeHeader(name);
    const status = `${hit(label, freshLeft(stale, clock))}; fwd=stale`;
    serveStored(request, response, stale, status, clock, direct);
  }

  #serve({ request, response }: Exchange, stored: StoredResponse, status: string): void {
    if (response.headersSent || response.destroyed) return;
    serveStored(request, response, stored, status, this.#rules.clock);
  }

  #pass(exchange: Exchange, why: Forwarded): void {
    exchange.isAnswered = true;
    const { response, next } = exchange;
    if (!response.headersSent) {
      response.setHeader("cache-status", forwarded(this.#rules.label, why, false));
    }
    next();
  }
}

function mayReplace(stale: StoredResponse, clock: ResponseRules["clock"]): boolean {
  return freshLeft(stale, clock) > -stale.lifetime.staleIfErrorMs;
}

function keptMs({ freshMs, staleWhileRevalidateMs, staleIfErrorMs }: Lifetime): number {
  return freshMs + Math.max(staleWhileRevalidateMs, staleIfErrorMs);
}

/** A handler that leads answers whole: Express answers 304 by itself where these are there. */
function withoutConditions({ headers }: CacheRequest): { restore(): void } {
  const names = ["if-none-match", "if-modified-since"] as const;
  const taken = names.map((name) => [name, headers[name]] as const);
  for (const name of names) delete headers[name];
  return {
    restore() {
      for (const [name, value] of taken) if (value !== undefined) headers[name] = value;
    },
  };
}
