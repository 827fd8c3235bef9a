/** How long a session lives: idle time from its last use, and an end that no use puts off. */

import type { SessionRules } from "./session-rules.ts";
import type { SessionMeta, Touch } from "./store.ts";

type Lifetime = Pick<SessionRules, "clock" | "idleMs" | "absoluteMs">;

/** A use that is made now. @param meta undefined: it is not known when the session was made. */
export function touchNow(rules: Lifetime, meta: SessionMeta | undefined): Touch {
  const seenAtMs = rules.clock.now();
  const leftMs = meta === undefined ? rules.idleMs : endsAtMs(rules, meta) - seenAtMs;
  return { seenAtMs, ttlMs: Math.max(1, Math.min(rules.idleMs, leftMs)) };
}

/** Its end, used or not, in milliseconds since the epoch. */
export function endsAtMs({ absoluteMs }: Lifetime, { createdAtMs }: SessionMeta): number {
  return createdAtMs + absoluteMs;
}

export function isOver(rules: Lifetime, meta: SessionMeta): boolean {
  return rules.clock.now() >= endsAtMs(rules, meta);
}
