/** What `cacheResponse` takes. */

import type { ServerResponse } from "node:http";
import { type Clock, systemClock } from "@headroom/core/clock";
import {
  requireClock,
  requireFunction,
  requireKnownOptions,
  requireNonNegative,
  requirePositive,
  requireText,
} from "@headroom/core/options";
import type { CacheRequest } from "./http-types.ts";
import type { RequestKeyRules } from "./request-key.ts";

export interface CacheResponseOptions {
  /**
   * The name of the definition: for `cache.clear(name)`, telemetry, and other processes.
   * @default "http"
   */
  readonly name?: string | undefined;
  /**
   * How long a response with status 200 is cached that says nothing about it, in milliseconds;
   * 0: it is not. Never for requests with cookies or credentials.
   * @default 0
   */
  readonly defaultTtlMs?: number | undefined;
  /**
   * The names of the query that matter; the handler sees no others. Without it the whole query is
   * part of the key, as it was written.
   */
  readonly query?: readonly string[] | undefined;
  /** Hosts that are cached, as in the Host header. @default all */
  readonly hosts?: readonly string[] | undefined;
  /** Tags of a response, by which it is invalidated. @default none */
  readonly tags?:
    | ((request: CacheRequest, response: ServerResponse) => readonly string[])
    | undefined;
  /**
   * What is larger passes uncached. Not more than the cache's `format.maxValueBytes`.
   * @default 512 KiB
   */
  readonly maxBodyBytes?: number | undefined;
  /**
   * For how long a key whose response could not be shared is not tried again, so that its requests
   * do not wait for each other.
   * @default 10_000
   */
  readonly passMs?: number | undefined;
  /** The cache's name in `Cache-Status`. @default "headroom" */
  readonly label?: string | undefined;
  readonly clock?: Clock | undefined;
}

/** {@link CacheResponseOptions}, checked and complete. */
export interface ResponseRules extends RequestKeyRules {
  readonly name: string;
  readonly defaultTtlMs: number;
  readonly tags: (request: CacheRequest, response: ServerResponse) => readonly string[];
  readonly maxBodyBytes: number;
  readonly passMs: number;
  readonly label: string;
  readonly clock: Clock;
}

const KNOWN: readonly (keyof CacheResponseOptions)[] = [
  "name",
  "defaultTtlMs",
  "query",
  "hosts",
  "tags",
  "maxBodyBytes",
  "passMs",
  "label",
  "clock",
];

/** @throws TypeError or RangeError when an option is unknown or out of its range. */
export function responseRules(options: CacheResponseOptions): ResponseRules {
  requireKnownOptions("cacheResponse", options, KNOWN);
  const label = requireText("label", options.label ?? "headroom");
  if (!/^[A-Za-z*][\w:.%*/-]*$/.test(label)) {
    throw new TypeError(
      `label must be a token of HTTP's structured fields, got ${JSON.stringify(label)}`,
    );
  }
  return {
    name: requireText("name", options.name ?? "http"),
    defaultTtlMs: requireNonNegative("defaultTtlMs", options.defaultTtlMs ?? 0),
    query: options.query && requireTexts("query", options.query),
    hosts: options.hosts && requireTexts("hosts", options.hosts).map((host) => host.toLowerCase()),
    tags: requireFunction("tags", options.tags ?? (() => [])),
    maxBodyBytes: requirePositive("maxBodyBytes", options.maxBodyBytes ?? 512 * 1024),
    passMs: requireNonNegative("passMs", options.passMs ?? 10_000),
    label,
    clock: requireClock("clock", options.clock ?? systemClock),
  };
}

function requireTexts(name: string, texts: readonly string[]): readonly string[] {
  if (!Array.isArray(texts)) throw new TypeError(`${name} must be a list of strings`);
  for (const text of texts) requireText(name, text);
  return texts;
}
