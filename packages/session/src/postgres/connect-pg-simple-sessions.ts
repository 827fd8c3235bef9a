/** The sessions that connect-pg-simple has in PostgreSQL: `sid`, `sess` as JSON, `expire`. */

import { requireKnownOptions, requireMethods } from "@headroom/core/options";
import type { ForeignSessions } from "../adoption/foreign-sessions.ts";
import type { PostgresPool } from "./postgres-client.ts";
import { requireTableName } from "./session-table.ts";

export interface ConnectPgSimpleOptions {
  /** Its `tableName`, with its `schemaName` or without. @default "session" */
  readonly table?: string | undefined;
}

/**
 * For the option `adopt`: one SELECT, and one DELETE when a session is taken over.
 * @throws TypeError naming what is wrong.
 */
export function connectPgSimpleSessions(
  pool: PostgresPool,
  options: ConnectPgSimpleOptions = {},
): ForeignSessions {
  requireKnownOptions("connectPgSimpleSessions", options, ["table"]);
  requireMethods<PostgresPool>("pool", pool, ["query"]);
  const table = requireTableName(options.table ?? "session");
  return {
    name: "connect-pg-simple",
    async load(id) {
      // `expire` has no time zone: compared as connect-pg-simple does.
      const { rows } = await pool.query(
        `SELECT sess FROM ${table} WHERE sid = $1 AND expire >= now()`,
        [id],
      );
      return rows[0]?.["sess"] as Record<string, unknown> | undefined;
    },
    async destroy(id) {
      const { rowCount } = await pool.query(`DELETE FROM ${table} WHERE sid = $1`, [id]);
      return rowCount === 1;
    },
  };
}
