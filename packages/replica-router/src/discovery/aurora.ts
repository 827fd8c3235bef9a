/**
 * The instances of an Amazon Aurora cluster, as `aurora_replica_status()` names them.
 *
 * That knows identifiers, not addresses. An instance's endpoint is its identifier followed by what all
 * endpoints of the cluster have in common, so the application's function can make it.
 */

import { requireFunction, requireKnownOptions, requirePositive } from "@headroom/core/options";
import { DISCOVERY_EVERY_MS, type Discovery } from "../discovery.ts";
import type { ServerConfig } from "../pool/replica-pool-options.ts";

export interface AuroraInstance {
  /** `server_id`, the instance's identifier. */
  readonly id: string;
  readonly isWriter: boolean;
}

export interface AuroraOptions {
  /**
   * How to connect to it; undefined leaves it out.
   * @example ({ id }) => ({ host: `${id}.c9akciq32.eu-central-1.rds.amazonaws.com`, …credentials })
   */
  readonly connectionFor: (instance: AuroraInstance) => ServerConfig | undefined;
  /** How often the primary is asked, in milliseconds. @default 5000 */
  readonly everyMs?: number | undefined;
}

/** Left out is what has not been heard of for long; the instance that is asked says NULL of itself. */
const SQL = `SELECT server_id AS id, session_id = 'MASTER_SESSION_ID' AS writer
  FROM aurora_replica_status()
  WHERE session_id = 'MASTER_SESSION_ID' OR last_update_timestamp > now() - interval '5 minutes'
    OR last_update_timestamp IS NULL
  ORDER BY server_id`;

/**
 * Finds the instances of an Aurora cluster; to be used with `engine: "aurora"`. Made from Amazon's
 * documentation and tested against a function of that name: it was not run on Aurora itself.
 *
 * @throws TypeError or RangeError naming the option that is wrong.
 */
export function aurora(options: AuroraOptions): Discovery {
  requireKnownOptions("aurora", options, ["connectionFor", "everyMs"]);
  const connectionFor = requireFunction("connectionFor", options.connectionFor);
  return {
    name: "aurora_replica_status",
    everyMs: requirePositive("everyMs", options.everyMs ?? DISCOVERY_EVERY_MS),
    async list({ query }) {
      const rows = await query(SQL);
      if (rows.length === 0) throw new Error("aurora_replica_status() names no instance");
      return rows
        .map(({ id, writer }) => connectionFor({ id: String(id), isWriter: writer === true }))
        .filter((server) => server !== undefined);
    },
  };
}
