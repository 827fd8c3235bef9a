/**
 * Names for jobs that no two processes give twice, without asking anybody.
 *
 * An id is the time in base 36, then 96 random bits in base64url: `"mh3k2x9b0"` + 16 characters. Ids
 * of one process sort by their millisecond, which keeps an index on them dense; the rest is chance,
 * from `node:crypto`. Random bytes are fetched for many ids at once, because fetching them one by
 * one costs more than all the rest of `add`.
 */

import { randomBytes } from "node:crypto";
import type { Clock } from "@headroom/core/clock";

const RANDOM_CHARACTERS = 16;
const IDS_A_DRAW = 256;
/** Until the year 5188. */
const TIME_CHARACTERS = 9;

/** Makes ids by this clock. */
export function createJobIds(clock: Pick<Clock, "now">): () => string {
  let pool = "";
  let at = 0;
  let timeMs = Number.NaN;
  let time = "";
  return () => {
    if (at === pool.length) {
      pool = randomBytes((IDS_A_DRAW * RANDOM_CHARACTERS * 3) / 4).toString("base64url");
      at = 0;
    }
    const nowMs = clock.now();
    if (nowMs !== timeMs) {
      timeMs = nowMs;
      time = Math.max(0, Math.floor(nowMs)).toString(36).padStart(TIME_CHARACTERS, "0");
    }
    at += RANDOM_CHARACTERS;
    return time + pool.slice(at - RANDOM_CHARACTERS, at);
  };
}

/** Whether the application may call a job so: 1 to 200 characters, no space, no colon. */
export function isJobId(id: unknown): id is string {
  return typeof id === "string" && /^[^\s:\p{Cc}]{1,200}$/u.test(id);
}
