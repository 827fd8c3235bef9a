/** How far behind a replica is. */

import type { LagHistory } from "../wal/lag-history.ts";
import type { Observation } from "./observation.ts";

export interface ReplicaLag {
  /** Undefined: not known. */
  readonly ms: number | undefined;
  readonly bytes: number | undefined;
}

/** What the server says itself, or what its position says. @param seen undefined before its first answer. */
export function replicaLag(
  seen: Pick<Observation, "lsn" | "lagMs"> | undefined,
  history: Pick<LagHistory, "lagMs" | "lagBytes">,
  nowMs: number,
): ReplicaLag {
  const { lsn, lagMs } = seen ?? {};
  if (lsn === undefined) return { ms: lagMs, bytes: undefined };
  return { ms: lagMs ?? history.lagMs(lsn, nowMs), bytes: history.lagBytes(lsn) };
}
