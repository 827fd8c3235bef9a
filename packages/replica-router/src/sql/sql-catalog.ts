/**
 * What one database has that its replicas should not be asked for.
 *
 * Functions are volatile unless their author says otherwise, and most authors do not; so what an
 * application defined stays on the primary until it is declared `STABLE`. A view is what its text is
 * classified as, with the functions and relations found so far; views over such views follow. Names
 * are kept without their schema: two of the same name count as the more dangerous one.
 *
 * Not seen: the functions behind operators, casts, row security policies and domains' checks. A
 * replica refuses those that write.
 */

import { classifySql } from "./classify-sql.ts";
import type { SqlCatalog } from "./statement.ts";
import { HARMLESS_FUNCTIONS, PRIMARY_FUNCTIONS, VOLATILE_FUNCTIONS } from "./volatile-functions.ts";

/** Runs a statement on the primary. The result is its rows. */
export type CatalogQuery = (text: string) => Promise<readonly Record<string, unknown>[]>;

/** System views, and one of an extension, that show the server they are read on. */
const SERVER_VIEWS: readonly string[] = `
  pg_aios pg_backend_memory_contexts pg_cursors pg_dsm_registry_allocations pg_file_settings
  pg_hba_file_rules pg_ident_file_mappings pg_locks pg_prepared_statements pg_prepared_xacts
  pg_replication_origin_status pg_replication_slots pg_sequences pg_shmem_allocations
  pg_shmem_allocations_numa pg_stat_activity pg_stat_all_indexes pg_stat_all_tables
  pg_stat_archiver pg_stat_bgwriter pg_stat_checkpointer pg_stat_database
  pg_stat_database_conflicts pg_stat_gssapi pg_stat_io pg_stat_progress_analyze
  pg_stat_progress_basebackup pg_stat_progress_cluster pg_stat_progress_copy
  pg_stat_progress_create_index pg_stat_progress_vacuum pg_stat_recovery_prefetch
  pg_stat_replication pg_stat_replication_slots pg_stat_slru pg_stat_ssl pg_stat_statements
  pg_stat_statements_info pg_stat_subscription pg_stat_subscription_stats pg_stat_sys_indexes
  pg_stat_sys_tables pg_stat_user_functions pg_stat_user_indexes pg_stat_user_tables pg_stat_wal
  pg_stat_wal_receiver pg_stat_xact_all_tables pg_stat_xact_sys_tables
  pg_stat_xact_user_functions pg_stat_xact_user_tables pg_statio_all_indexes
  pg_statio_all_sequences pg_statio_all_tables pg_statio_sys_indexes pg_statio_sys_sequences
  pg_statio_sys_tables pg_statio_user_indexes pg_statio_user_sequences pg_statio_user_tables
`
  .trim()
  .split(/\s+/);

/** What is known of every database, for as long as this one's catalog could not be read. */
export const staticSqlCatalog: SqlCatalog = {
  volatileFunctions: VOLATILE_FUNCTIONS,
  primaryRelations: new Set(SERVER_VIEWS),
};

/**
 * Volatile functions of all schemas, and aggregates made of them.
 *
 * Left out is what no query can call: procedures, and trigger and handler functions. A name is
 * harmless only where PostgreSQL or an extension in C has it. `is_column`: `row.f` calls it too.
 */
const FUNCTIONS = `
  WITH volatile AS (
    SELECT p.oid, p.proname,
           p.pronargs > 0 AND p.pronargs - p.pronargdefaults <= 1
             AND coalesce(base.typtype, argument.typtype) IN ('c', 'p') AS is_column
      FROM pg_catalog.pg_proc p
      JOIN pg_catalog.pg_language l ON l.oid = p.prolang
      JOIN pg_catalog.pg_type result ON result.oid = p.prorettype
      LEFT JOIN pg_catalog.pg_type argument ON argument.oid = p.proargtypes[0]
      LEFT JOIN pg_catalog.pg_type base ON base.oid = nullif(argument.typbasetype, 0)
     WHERE p.provolatile = 'v' AND p.prokind IN ('f', 'w')
       AND result.typname NOT IN ('trigger', 'event_trigger')
       AND result.typname NOT LIKE '%\\_handler'
       AND NOT (p.proname IN (${[...HARMLESS_FUNCTIONS].map((name) => `'${name}'`).join(", ")})
                AND (p.pronamespace = 'pg_catalog'::regnamespace OR l.lanname = 'c')))
  SELECT proname::text AS name, bool_or(is_column) AS is_column FROM volatile GROUP BY proname
  UNION ALL
  SELECT DISTINCT p.proname::text, false
    FROM pg_catalog.pg_aggregate a
   CROSS JOIN LATERAL unnest(ARRAY[a.aggtransfn::oid, a.aggfinalfn, a.aggcombinefn, a.aggmtransfn,
                                   a.aggminvtransfn, a.aggmfinalfn]) AS part(oid)
    JOIN volatile USING (oid)
    JOIN pg_catalog.pg_proc p ON p.oid = a.aggfnoid`;

/**
 * Relations that a replica does not have (unlogged), knows differently (sequences run ahead in the
 * log) or would fetch from elsewhere (foreign), what has them as partitions, and the text of views.
 * Materialized views are data like any other.
 */
const RELATIONS = `
  WITH RECURSIVE primary_only AS (
    SELECT oid FROM pg_catalog.pg_class
     WHERE relkind IN ('f', 'S') AND relpersistence <> 't' OR relkind IN ('r', 'p') AND relpersistence = 'u'
    UNION
    SELECT i.inhparent FROM pg_catalog.pg_inherits i JOIN primary_only p ON p.oid = i.inhrelid)
  SELECT c.relname::text AS name, NULL AS definition
    FROM pg_catalog.pg_class c JOIN primary_only USING (oid)
  UNION ALL
  SELECT c.relname::text, pg_catalog.pg_get_viewdef(c.oid)
    FROM pg_catalog.pg_class c
   WHERE c.relkind = 'v' AND c.relpersistence <> 't'
     AND c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)`;

/**
 * Reads the catalog with two queries.
 *
 * O(functions + relations), and for every view the length of its text, as often as such views are
 * nested.
 */
export async function loadSqlCatalog(query: CatalogQuery): Promise<SqlCatalog> {
  const volatileFunctions = new Set(PRIMARY_FUNCTIONS);
  const primaryRelations = new Set(SERVER_VIEWS);
  for (const row of await query(FUNCTIONS)) {
    const name = String(row["name"]);
    volatileFunctions.add(name);
    if (row["is_column"] === true) primaryRelations.add(name);
  }
  const views: View[] = [];
  for (const row of await query(RELATIONS)) {
    const name = String(row["name"]);
    const definition = row["definition"];
    if (typeof definition === "string") views.push({ name, definition });
    else primaryRelations.add(name);
  }
  return withViews({ volatileFunctions, primaryRelations }, views);
}

interface View {
  readonly name: string;
  readonly definition: string;
}

/** Views over what must not be read, then views over those, until there are no more. */
function withViews(catalog: SqlCatalog, views: readonly View[]): SqlCatalog {
  const isRead = ({ definition }: View) => classifySql(definition, catalog).kind === "read";
  const reads = views.filter(isRead);
  if (reads.length === views.length) return catalog;
  const kept = new Set(reads);
  const found = views.filter((view) => !kept.has(view)).map(({ name }) => name);
  const primaryRelations = new Set([...catalog.primaryRelations, ...found]);
  return withViews({ ...catalog, primaryRelations }, reads);
}
