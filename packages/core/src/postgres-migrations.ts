/**
 * Tables of ours, made and changed by many processes that start at once.
 *
 * A schema has a ledger, `migrations`, of the versions that were applied. {@link migrationScript} is
 * one text for all versions: it takes an advisory lock, and of each version it asks the ledger before
 * it runs it. Sent as one text without values it is one transaction: all or nothing, and whoever comes
 * second waits for the lock, finds everything done and does nothing. It keeps nothing on its connection,
 * so it may go through PgBouncer; and it may be run by hand, by who does not let applications do so.
 *
 * A version that was released never changes: what is to be different is a new version. A ledger with
 * versions that this process does not know is fine: a newer release is being rolled out, and each
 * version works for the release before it.
 */

import { type PostgresQueryable, postgresState, quotedSchema } from "./postgres-client.ts";

export interface PostgresMigration {
  /** 1, 2, 3, … */
  readonly version: number;
  readonly name: string;
  /** Statements; they name their schema. */
  readonly sql: string;
}

/** @throws TypeError when the schema is no plain name. */
export function migrationScript(schema: string, migrations: readonly PostgresMigration[]): string {
  const quoted = quotedSchema(schema);
  return `
SELECT pg_advisory_xact_lock(hashtextextended('headroom.migrations:${schema}', 0));
DO $headroom$ BEGIN
  IF NOT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = '${schema}') THEN
    CREATE SCHEMA ${quoted};
  END IF;
END $headroom$;
CREATE TABLE IF NOT EXISTS ${quoted}.migrations (
  version int PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now()
);
${migrations.map((migration) => step(quoted, migration)).join("")}`;
}

function step(schema: string, { version, name, sql }: PostgresMigration): string {
  return `
DO $headroom$ BEGIN
  IF NOT EXISTS (SELECT 1 FROM ${schema}.migrations WHERE version = ${version}) THEN
    EXECUTE $headroom_sql$${sql}$headroom_sql$;
    INSERT INTO ${schema}.migrations (version, name) VALUES (${version}, '${name.replaceAll("'", "''")}');
  END IF;
END $headroom$;
`;
}

/** Nothing of it is there yet: no schema, no ledger. */
const UNDEFINED = new Set(["3F000", "42P01"]);

/**
 * Applies what is missing; nothing is locked when nothing is.
 * @throws what the server says, for instance that this user must not create a schema.
 */
export async function migratePostgres(
  database: PostgresQueryable,
  schema: string,
  migrations: readonly PostgresMigration[],
): Promise<void> {
  const newest = migrations.at(-1)?.version ?? 0;
  if ((await appliedVersion(database, schema)) >= newest) return;
  await database.query(migrationScript(schema, migrations));
}

async function appliedVersion(database: PostgresQueryable, schema: string): Promise<number> {
  try {
    const { rows } = await database.query(
      `SELECT max(version) AS version FROM ${quotedSchema(schema)}.migrations`,
    );
    return Number(rows[0]?.["version"] ?? 0);
  } catch (error) {
    if (UNDEFINED.has(postgresState(error) ?? "")) return 0;
    throw error;
  }
}
