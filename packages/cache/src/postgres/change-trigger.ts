/**
 * Triggers that tell which rows have changed, by their key columns.
 *
 * PostgreSQL delivers a notification when its transaction commits, not before, and not at all when
 * it is rolled back; that is the moment at which a cached copy becomes wrong. Equal notifications of
 * one transaction are sent once. A change of the key itself tells the old key and the new. A key
 * that does not fit into a notification (8,000 bytes) and a TRUNCATE tell "everything".
 *
 * `session_replication_role = replica` and logical replication skip these triggers, as all others.
 */

import type { PostgresQueryable } from "./postgres-client.ts";

/** A table to be watched. */
export interface WatchedTable {
  /** As in SQL, with its schema where the search path does not find it: `"public.users"`. */
  readonly table: string;
  /** The columns that make its key. */
  readonly key: readonly string[];
}

/** What a notification says: the key of one row as text, by column; null: all rows. */
export interface RowChange {
  readonly table: string;
  readonly key: readonly (string | null)[] | null;
}

/** The most that a notification holds is 7,999 bytes. */
const FUNCTION = `
CREATE OR REPLACE FUNCTION headroom_cache_notify() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  to_channel  text := TG_ARGV[0];
  table_name  text := TG_ARGV[1];
  key_columns text[] := TG_ARGV[2:];
  image       jsonb;
  payload     text;
BEGIN
  IF TG_OP = 'TRUNCATE' THEN
    PERFORM pg_notify(to_channel, jsonb_build_array(table_name, NULL)::text);
    RETURN NULL;
  END IF;
  FOR image IN
    SELECT to_jsonb(OLD) WHERE TG_OP <> 'INSERT' UNION SELECT to_jsonb(NEW) WHERE TG_OP <> 'DELETE'
  LOOP
    SELECT jsonb_build_array(table_name, jsonb_agg(image ->> listed.col ORDER BY listed.at))::text
      INTO payload FROM unnest(key_columns) WITH ORDINALITY AS listed(col, at);
    IF octet_length(payload) > 7999 THEN
      payload := jsonb_build_array(table_name, NULL)::text;
    END IF;
    PERFORM pg_notify(to_channel, payload);
  END LOOP;
  RETURN NULL;
END $$`;

/**
 * Creates the triggers, or replaces them. Needs the right to create functions in the schema that
 * the search path names first, and to create triggers on the tables. Takes a short lock on each.
 *
 * @throws TypeError when a table or a column of a key does not exist.
 */
export async function installTriggers(
  database: PostgresQueryable,
  channel: string,
  tables: readonly WatchedTable[],
): Promise<void> {
  await database.query(FUNCTION);
  for (const watched of tables) {
    const table = await quotedTable(database, watched);
    const given = [channel, watched.table, ...watched.key].map(quotedText).join(", ");
    await database.query(
      `CREATE OR REPLACE TRIGGER headroom_cache_rows AFTER INSERT OR UPDATE OR DELETE ON ${table}
         FOR EACH ROW EXECUTE FUNCTION headroom_cache_notify(${given})`,
    );
    await database.query(
      `CREATE OR REPLACE TRIGGER headroom_cache_truncate AFTER TRUNCATE ON ${table}
         FOR EACH STATEMENT EXECUTE FUNCTION headroom_cache_notify(${given})`,
    );
  }
}

/** The complete name as PostgreSQL itself quotes it, so that no text of ours becomes SQL. */
async function quotedTable(
  database: PostgresQueryable,
  { table, key }: WatchedTable,
): Promise<string> {
  const { rows } = await database.query(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name,
            ARRAY(SELECT wanted FROM unnest($2::text[]) AS wanted
                  WHERE NOT EXISTS (SELECT FROM pg_attribute a
                                    WHERE a.attrelid = c.oid AND a.attname = wanted AND a.attnum > 0
                                      AND NOT a.attisdropped)) AS missing
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass($1)`,
    [table, key],
  );
  const found = rows[0] as { readonly name: string; readonly missing: string[] } | undefined;
  if (found === undefined) throw new TypeError(`there is no table ${JSON.stringify(table)}`);
  const [missing] = found.missing;
  if (missing !== undefined) {
    throw new TypeError(`${found.name} has no column ${JSON.stringify(missing)}`);
  }
  return found.name;
}

function quotedText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** What a payload says; undefined when it is not one of ours. */
export function parseChange(payload: string): RowChange | undefined {
  try {
    const [table, key] = JSON.parse(payload) as [unknown, unknown];
    if (typeof table !== "string") return undefined;
    if (key === null) return { table, key: null };
    return Array.isArray(key) ? { table, key } : undefined;
  } catch {
    return undefined;
  }
}
