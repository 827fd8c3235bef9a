/** A session out of the replies of Redis. */

import type { SessionMeta, StoredSession, UserSession } from "../store.ts";

/** Of `HGETALL`, an object or a list. Undefined: there is nothing, or nothing of ours. */
export function readSession(reply: unknown): StoredSession | undefined {
  const fields = new Map<string, string>();
  let meta: SessionMeta | undefined;
  let seenAtMs = 0;
  const read = (name: string, value: unknown): void => {
    if (name.startsWith("f:")) fields.set(name.slice(2), String(value));
    else if (name === "s") seenAtMs = Number(String(value));
    else if (name === "m") meta = JSON.parse(String(value));
  };
  if (Array.isArray(reply)) {
    for (let at = 0; at < reply.length; at += 2) read(String(reply[at]), reply[at + 1]);
  } else {
    const found = reply as Readonly<Record<string, unknown>>;
    for (const name of Object.keys(found)) read(name, found[name]);
  }
  return meta && { fields, meta, seenAtMs };
}

/** Of `HMGET m s`. */
export function readUserSession(
  key: string,
  [meta, seen]: readonly (Buffer | null | undefined)[],
): UserSession | undefined {
  if (meta === null || meta === undefined) return undefined;
  return { key, meta: JSON.parse(String(meta)), seenAtMs: Number(String(seen)) };
}
