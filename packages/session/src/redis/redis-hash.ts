/** A session out of the replies of Redis. */

import type { SessionMeta, StoredSession, UserSession } from "../store.ts";

/** Of `HGETALL`. Undefined: there is nothing, or nothing of ours. */
export function readSession(reply: unknown): StoredSession | undefined {
  const fields = new Map<string, string>();
  let meta: SessionMeta | undefined;
  let seenAtMs = 0;
  for (const [name, value] of pairs(reply)) {
    if (name.startsWith("f:")) fields.set(name.slice(2), String(value));
    else if (name === "s") seenAtMs = Number(String(value));
    else if (name === "m") meta = JSON.parse(String(value));
  }
  return meta && { fields, meta, seenAtMs };
}

/** What a pipeline gives is a list still. */
function pairs(reply: unknown): Iterable<readonly [name: string, value: unknown]> {
  if (!Array.isArray(reply)) return Object.entries(reply as Record<string, Buffer>);
  return reply.flatMap((name, index) =>
    index % 2 === 0 ? [[String(name), reply[index + 1]]] : [],
  );
}

/** Of `HMGET m s`. */
export function readUserSession(
  key: string,
  [meta, seen]: readonly (Buffer | null | undefined)[],
): UserSession | undefined {
  if (meta === null || meta === undefined) return undefined;
  return { key, meta: JSON.parse(String(meta)), seenAtMs: Number(String(seen)) };
}
