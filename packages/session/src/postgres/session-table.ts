/**
 * The table, and its making by many processes at once.
 *
 *     key         text  primary key        "<place>:<hash>"
 *     user_id     text                     indexed where it is not null
 *     meta        jsonb
 *     fields      jsonb                    name → JSON *text*: compared as text, never reformatted
 *     seen_at     timestamptz
 *     expires_at  timestamptz              not indexed
 *
 * A touch changes `seen_at` and `expires_at` only. As no index has them and pages are left a third
 * free (`fillfactor`), PostgreSQL puts the new row version beside the old one and touches no index
 * (HOT): half the write-ahead log of a table with an index on the expiry. What has expired is found
 * by reading the table, a batch at a time, which is nothing to a table of this kind.
 *
 * `unlogged` writes no log at all: a touch costs a fifth, and after a crash or a failover of the
 * server everybody is logged out.
 */

import type { PostgresPool } from "./postgres-client.ts";

/** `schema.table` or `table`, of what needs no quoting. */
const NAME = /^[a-z_][a-z0-9_]{0,50}(\.[a-z_][a-z0-9_]{0,50})?$/;

/** @throws TypeError */
export function requireTableName(name: string): string {
  if (typeof name === "string" && NAME.test(name)) return name;
  throw new TypeError(
    `table must be a name such as "sessions" or "app.sessions", in lower case, got ${JSON.stringify(name)}`,
  );
}

/** The statements that make the table; safe to run again, and by several processes at once. */
export function tableStatements(table: string, unlogged: boolean): string {
  const bare = table.slice(table.indexOf(".") + 1);
  return `
    SELECT pg_advisory_xact_lock(hashtextextended('headroom.session:${table}', 0));
    CREATE ${unlogged ? "UNLOGGED " : ""}TABLE IF NOT EXISTS ${table} (
      key text PRIMARY KEY,
      user_id text,
      meta jsonb NOT NULL,
      fields jsonb NOT NULL,
      seen_at timestamptz NOT NULL,
      expires_at timestamptz NOT NULL
    ) WITH (fillfactor = 70);
    CREATE INDEX IF NOT EXISTS ${bare}_user_id ON ${table} (user_id) WHERE user_id IS NOT NULL;
    CREATE TABLE IF NOT EXISTS ${table}_epochs (
      user_id text PRIMARY KEY,
      epoch bigint NOT NULL,
      expires_at timestamptz NOT NULL
    );
  `;
}

/** Makes the table if there is none. One transaction: `pg` sends several statements as one. */
export async function createTable(
  pool: PostgresPool,
  table: string,
  unlogged: boolean,
): Promise<void> {
  await pool.query(tableStatements(table, unlogged));
}
