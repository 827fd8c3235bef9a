/**
 * Waits for a replica to catch up.
 *
 * A server that can wait itself (`WAIT FOR LSN`, PostgreSQL 19) is asked to; any other is looked at
 * again and again.
 */

import type { Clock } from "@headroom/core/clock";
import type { Host } from "../topology/host.ts";
import { formatLsn, type Lsn } from "../wal/lsn.ts";

export interface ReplayWait {
  readonly replicas: () => readonly Host[];
  /** What is waited for; undefined when it is more than a position. */
  readonly lsn: Lsn | undefined;
  readonly look: (host: Host) => Promise<void>;
  /** Who is new enough by now. */
  readonly find: () => readonly Host[];
  readonly clock: Clock;
  readonly waitMs: number;
}

const POLL_MS = 5;
const CAN_WAIT = 190_000;

/** Empty when nobody was in time. */
export async function waitForReplay(wait: ReplayWait): Promise<readonly Host[]> {
  const { replicas, look, find, clock, waitMs } = wait;
  const deadlineMs = clock.monotonicNow() + waitMs;
  for (;;) {
    const leftMs = deadlineMs - clock.monotonicNow();
    if (leftMs <= 0) return find();
    const caughtUp = Promise.any(replicas().map((host) => advance(host, wait, leftMs, look, find)));
    await Promise.race([
      caughtUp.catch(() => clock.sleep(Math.min(POLL_MS, leftMs))),
      clock.sleep(leftMs),
    ]);
    const found = find();
    if (found.length > 0) return found;
  }
}

/** Rejects when nobody is new enough after this host was looked at. */
async function advance(
  host: Host,
  { lsn, clock }: ReplayWait,
  leftMs: number,
  look: (host: Host) => Promise<void>,
  find: () => readonly Host[],
): Promise<void> {
  if (lsn !== undefined && (host.observation?.version ?? 0) >= CAN_WAIT) {
    await waitOnServer(host, lsn, leftMs, clock.monotonicNow());
  }
  await look(host);
  if (find().length === 0) throw new Error("nobody has caught up");
}

/** What it says does not matter: the server is looked at afterwards. */
async function waitOnServer(host: Host, lsn: Lsn, timeoutMs: number, nowMs: number): Promise<void> {
  const options = `MODE 'standby_replay', TIMEOUT '${Math.ceil(timeoutMs)}ms', NO_THROW`;
  try {
    const lease = await host.acquire("read", nowMs);
    try {
      await lease.run(`WAIT FOR LSN '${formatLsn(lsn)}' WITH (${options})`, undefined);
      host.release(lease);
    } catch {
      host.release(lease, true);
    }
  } catch {
    // No connection: the look that follows finds out why.
  }
}
