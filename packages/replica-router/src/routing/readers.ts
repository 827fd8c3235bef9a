/**
 * Which replicas may answer a read.
 *
 *     in rotation → within maxLag → new enough for the session → not behind what it has read
 *
 * and, when nobody is left, at which step the last ones went: that is the reason why the read goes to
 * the primary.
 */

import type { Token } from "../session/token.ts";
import type { Host } from "../topology/host.ts";
import { replicaLag } from "../topology/replica-lag.ts";
import type { LagHistory } from "../wal/lag-history.ts";
import type { RouteReason } from "./route-log.ts";

export interface MaxLag {
  readonly ms: number;
  readonly bytes: number;
}

export interface ReadNeeds {
  readonly maxLag: MaxLag;
  readonly token: Token | undefined;
  /** Who answered the session last, while it is not known how far it was then. */
  readonly lastReader: Host | undefined;
}

export interface ReaderView {
  readonly hosts: readonly Host[];
  /** Servers that were tried for this read already. */
  readonly tried: ReadonlySet<Host> | undefined;
  readonly lag: LagHistory;
  readonly isFresh: (host: Host, token: Token) => boolean;
  readonly nowMs: number;
  /** 1 counts those out of rotation as well. @default 0 */
  readonly leastWeight?: number;
}

export interface Readers {
  readonly hosts: readonly Host[];
  /** Why there is none, if there is none. */
  readonly reason: RouteReason;
}

export function findReaders(view: ReaderView, needs: ReadNeeds): Readers {
  const { hosts, tried, nowMs, isFresh, leastWeight = 0 } = view;
  const { token, lastReader } = needs;
  let reason: RouteReason = "no-replica";
  const found: Host[] = [];
  for (const host of hosts) {
    if (host.role !== "replica" || tried?.has(host)) continue;
    if (Math.max(leastWeight, host.weightAt(nowMs)) === 0) continue;
    if (isLagging(view, needs.maxLag, host)) {
      if (reason === "no-replica") reason = "lagging";
      continue;
    }
    const isBehind = token !== undefined && !isFresh(host, token);
    if (isBehind || (lastReader !== undefined && host !== lastReader)) {
      reason = "token-behind";
      continue;
    }
    found.push(host);
  }
  return { hosts: found, reason };
}

/** What is not known is not held against it: without a primary reads go on. */
function isLagging(
  { lag, nowMs }: ReaderView,
  { ms, bytes }: MaxLag,
  { observation }: Host,
): boolean {
  if (ms === Number.POSITIVE_INFINITY && bytes === Number.POSITIVE_INFINITY) return false;
  const behind = replicaLag(observation, lag, nowMs);
  return (behind.ms ?? 0) > ms || (behind.bytes ?? 0) > bytes;
}
