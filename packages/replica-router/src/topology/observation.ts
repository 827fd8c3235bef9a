/** What one look at a server tells. */

import { endOfRecords, type Lsn, parseLsn } from "../wal/lsn.ts";

/** What stays the same while a connection lasts. */
export interface Identity {
  /** `system_identifier`: one cluster of primary and replicas. */
  readonly system: string;
  readonly segmentBytes: bigint;
  /** `server_version_num`: 150018. */
  readonly version: number;
}

export interface Observation extends Identity {
  readonly isStandby: boolean;
  readonly timeline: number;
  /**
   * Of a primary: the end of what it has written. Of a standby: of what it has replayed. Undefined for
   * servers that have no position.
   */
  readonly lsn: Lsn | undefined;
  /** How far behind it is, where the server itself can say so. */
  readonly lagMs?: number | undefined;
  /** When the question was sent and its answer had come, of a monotonic clock. */
  readonly askedMs: number;
  readonly answeredMs: number;
}

type Row = Readonly<Record<string, unknown>> | undefined;

export function identityOf(row: Row): Identity {
  return {
    system: String(row?.["system"]),
    segmentBytes: BigInt(String(row?.["segment"])),
    version: Number(row?.["version"]),
  };
}

/** @throws TypeError when the server has no position: it has not begun to replay. */
export function observationOf(
  identity: Identity,
  row: Row,
  times: { readonly askedMs: number; readonly answeredMs: number },
): Observation {
  const isStandby = row?.["standby"] === true;
  const seen = { ...identity, ...times, isStandby, timeline: Number(row?.["timeline"]) };
  if (row !== undefined && "lag" in row) {
    return { ...seen, lsn: undefined, lagMs: isStandby ? Number(row["lag"]) : 0 };
  }
  const lsn = parseLsn(row?.["lsn"]);
  if (lsn === undefined) throw new TypeError("the server has no position in the log yet");
  return {
    ...seen,
    lsn: isStandby ? lsn : endOfRecords(lsn, identity.segmentBytes),
  };
}
