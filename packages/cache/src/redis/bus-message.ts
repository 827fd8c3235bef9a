/**
 * What goes over the channel of a cache, as JSON:
 *
 *     {"o":"<origin>","k":["shop:user:42"]}             keys were written or invalidated
 *     {"o":"<origin>","t":["org:7"],"s":1795420000000}  tags were bumped to this number
 *
 * The number is known to the server alone, in the script that publishes: it gets the rest in two
 * parts and puts the number between.
 */

import type { BusMessage } from "../bus.ts";

export function keysMessage(origin: string, keys: readonly string[]): string {
  return JSON.stringify({ o: origin, k: keys });
}

/** What comes before the number; after it comes `}`. */
export function tagsMessageHead(origin: string, tags: readonly string[]): string {
  return `${JSON.stringify({ o: origin, t: tags }).slice(0, -1)},"s":`;
}

export interface ReceivedMessage {
  readonly origin: string;
  readonly message: BusMessage;
}

/** Undefined: it is none of ours. */
export function parseBusMessage(text: string): ReceivedMessage | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof parsed !== "object" || parsed === null) return undefined;
  const { o: origin, k: keys, t: tags, s: sequence } = parsed as Record<string, unknown>;
  if (typeof origin !== "string") return undefined;
  if (isTexts(keys)) return { origin, message: { kind: "keys", keys } };
  if (!isTexts(tags) || typeof sequence !== "number") return undefined;
  return { origin, message: { kind: "tags", tags, sequence } };
}

function isTexts(list: unknown): list is string[] {
  return Array.isArray(list) && list.every((each) => typeof each === "string");
}
