/**
 * What one look at a server tells: in one round trip, without privileges.
 *
 * The timeline of a primary is in the name of the file it writes to: what `pg_control_checkpoint`
 * says is the old one until the first checkpoint after a promotion. That of a replica is what it
 * receives; only members of `pg_read_all_stats` may see that, for others the last restart point has to
 * do. It can only be too low, and then the replica is not trusted with newer tokens yet.
 */

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
  /** Of a primary: the end of what it has written. Of a standby: of what it has replayed. */
  readonly lsn: Lsn;
  /** When the question was sent and its answer had come, of a monotonic clock. */
  readonly askedMs: number;
  readonly answeredMs: number;
}

export const IDENTITY_SQL = `SELECT (SELECT system_identifier::text FROM pg_control_system()) AS system,
  pg_size_bytes(current_setting('wal_segment_size'))::text AS segment,
  current_setting('server_version_num') AS version`;

export const POSITION_SQL = `SELECT pg_is_in_recovery() AS standby,
  CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_insert_lsn() END::text AS lsn,
  CASE WHEN pg_is_in_recovery()
    THEN coalesce((SELECT received_tli FROM pg_stat_wal_receiver), (SELECT timeline_id FROM pg_control_checkpoint()))
    ELSE ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::int END AS timeline`;

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
  const lsn = parseLsn(row?.["lsn"]);
  if (lsn === undefined) throw new TypeError("the server has no position in the log yet");
  const isStandby = row?.["standby"] === true;
  return {
    ...identity,
    ...times,
    isStandby,
    timeline: Number(row?.["timeline"]),
    lsn: isStandby ? lsn : endOfRecords(lsn, identity.segmentBytes),
  };
}
