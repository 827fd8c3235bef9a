/**
 * What a server is asked when it is looked at: in one round trip, without privileges.
 *
 * PostgreSQL: the timeline of a primary is in the name of the file it writes to: what
 * `pg_control_checkpoint` says is the old one until the first checkpoint after a promotion. That of a
 * replica is what it receives; only members of `pg_read_all_stats` may see that, for others the last
 * restart point has to do. It can only be too low, and then the replica is not trusted with newer
 * tokens yet.
 *
 * Aurora: all instances share one storage, so there is no log to replay and no timeline; the storage
 * itself sees to it that one writes. An instance is the writer if the cluster's list says so of it and it
 * is not in recovery either: the list may be some moments old, and a doubt must not send writes anywhere.
 */

/** What the servers are. */
export type Engine = "postgresql" | "aurora";

export interface Questions {
  /** What stays the same while a connection lasts: `system`, `segment` (bytes), `version`. */
  readonly identity: string;
  /** `standby`, `timeline`, and `lsn` or, where there is none, `lag` in milliseconds. */
  readonly position: string;
}

const QUESTIONS: Readonly<Record<Engine, Questions>> = {
  postgresql: {
    identity: `SELECT (SELECT system_identifier::text FROM pg_control_system()) AS system,
  pg_size_bytes(current_setting('wal_segment_size'))::text AS segment,
  current_setting('server_version_num') AS version`,
    position: `SELECT pg_is_in_recovery() AS standby,
  CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_insert_lsn() END::text AS lsn,
  CASE WHEN pg_is_in_recovery()
    THEN coalesce((SELECT received_tli FROM pg_stat_wal_receiver), (SELECT timeline_id FROM pg_control_checkpoint()))
    ELSE ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::int END AS timeline`,
  },
  aurora: {
    identity: `SELECT '0' AS system, '0' AS segment, current_setting('server_version_num') AS version`,
    position: `SELECT pg_is_in_recovery() OR s.session_id IS DISTINCT FROM 'MASTER_SESSION_ID' AS standby,
  1 AS timeline, coalesce(s.replica_lag_in_msec, 0) AS lag
  FROM (SELECT aurora_db_instance_identifier() AS id) me LEFT JOIN aurora_replica_status() s ON s.server_id = me.id`,
  },
};

export function questionsOf(engine: Engine): Questions {
  return QUESTIONS[engine];
}
