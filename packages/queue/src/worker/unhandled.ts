/**
 * Jobs that are not for this worker, or not yet.
 *
 * While a new version is rolled out, old workers meet jobs of names that they do not know. Failing
 * them would burn their attempts, so they go back for a moment, with their attempt, until a worker
 * that knows them comes by. Who has waited for an hour has been forgotten by everybody, and is dead.
 */

import type { ClaimedJob, Verdict } from "../driver.ts";

/** On a job whose delay is longer than the driver's longest: the whole delay, in milliseconds. */
export const DELAY_HEADER = "headroom-delay-ms";

const RELEASE_MS = 5_000;
const FORGOTTEN_MS = 3_600_000;

/**
 * What to do with a job instead of handling it; undefined: handle it.
 * @param nowMs by this machine's clock: for an hour, or for a long delay, it is near enough.
 */
export function unhandled(
  job: ClaimedJob,
  handlers: ReadonlyMap<string, unknown>,
  nowMs: number,
  delays: { readonly longestMs: number; readonly emulateLongDelay: boolean },
): Verdict | undefined {
  const ageMs = nowMs - job.addedAtMs;
  if (delays.emulateLongDelay && job.headers[DELAY_HEADER] !== undefined) {
    const leftMs = Number(job.headers[DELAY_HEADER]) - ageMs;
    if (leftMs > 0) return { kind: "release", delayMs: Math.min(leftMs, delays.longestMs) };
  }
  if (handlers.has(job.name)) return undefined;
  if (ageMs > FORGOTTEN_MS) {
    return {
      kind: "dead",
      reason: "unknown-name",
      failure: { name: "Error", message: "no worker knows this name" },
    };
  }
  return { kind: "release", delayMs: Math.min(RELEASE_MS, delays.longestMs) };
}
