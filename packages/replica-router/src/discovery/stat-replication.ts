/**
 * The replicas that stream from the primary, as it sees them itself.
 *
 * `pg_stat_replication` knows from which address a replica has connected, not on which port it listens,
 * and not whether others reach it there: how to connect is for the application to say. It does not
 * know replicas of replicas. Logical subscribers and base backups stream as well and are left out.
 */

import { requireFunction, requireKnownOptions, requirePositive } from "@headroom/core/options";
import { DISCOVERY_EVERY_MS, type Discovery } from "../discovery.ts";
import type { ServerConfig } from "../pool/replica-pool-options.ts";

/** What the primary knows of a replica. */
export interface StreamingReplica {
  /** `client_addr`: `"10.0.0.5"`; undefined when it has come over a Unix socket. */
  readonly address: string | undefined;
  /** `application_name`, which the replica's `primary_conninfo` or `cluster_name` sets. */
  readonly name: string;
}

export interface StatReplicationOptions {
  /** How to connect to it; undefined for what is no replica to read from, such as `pg_receivewal`. */
  readonly connectionFor: (replica: StreamingReplica) => ServerConfig | undefined;
  /** How often the primary is asked, in milliseconds. @default 5000 */
  readonly everyMs?: number | undefined;
}

const SQL = `SELECT host(r.client_addr) AS address, r.application_name AS name, r.state AS state
  FROM pg_stat_replication r LEFT JOIN pg_replication_slots s ON s.active_pid = r.pid
  WHERE r.state IS DISTINCT FROM 'backup' AND s.slot_type IS DISTINCT FROM 'logical'
  ORDER BY r.application_name, r.client_addr`;

/**
 * Finds replicas in the primary's `pg_stat_replication`. The user needs `pg_monitor` or
 * `pg_read_all_stats`: for others the view is there and empty of facts, which is told as an error.
 *
 * @throws TypeError or RangeError naming the option that is wrong.
 */
export function statReplication(options: StatReplicationOptions): Discovery {
  requireKnownOptions("statReplication", options, ["connectionFor", "everyMs"]);
  const connectionFor = requireFunction("connectionFor", options.connectionFor);
  return {
    name: "pg_stat_replication",
    everyMs: requirePositive("everyMs", options.everyMs ?? DISCOVERY_EVERY_MS),
    async list({ query }) {
      const rows = await query(SQL);
      if (rows.some(({ state }) => state === null)) {
        throw new Error("the user may not see pg_stat_replication: GRANT pg_monitor TO it");
      }
      const replicas = rows.map(({ address, name }) => ({
        address: address === null ? undefined : String(address),
        name: String(name),
      }));
      return replicas
        .map((replica) => connectionFor(replica))
        .filter((server) => server !== undefined);
    },
  };
}
