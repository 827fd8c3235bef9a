/**
 * Sessions in PostgreSQL. Each method is one statement, and each statement one transaction.
 *
 *     load     SELECT … WHERE key = $1 AND expires_at > now()
 *     create   INSERT … ON CONFLICT (key) DO UPDATE … WHERE expires_at <= now()
 *     commit   UPDATE … SET fields = (fields || $set) - $del WHERE key = $1 AND expires_at > now()
 *     rotate   UPDATE … SET key = $2
 *     destroy  DELETE
 *     ofUser   SELECT … WHERE user_id = $1: the table is its own index, enlisting is not needed
 *
 * The clock is the server's: how long a session lives is added to its `now()`. A row that has expired
 * is as good as none until `sweep` removes it; sweepers of many processes do not wait for each
 * other (`SKIP LOCKED`).
 */

import { requireKnownOptions, requireMethods } from "@headroom/core/options";
import type {
  Change,
  CommitResult,
  Listing,
  NewSession,
  SessionMeta,
  SessionStore,
  StoredSession,
  Sweeper,
  Touch,
  UserEpochs,
  UserIndex,
  UserSession,
} from "../store.ts";
import type { PostgresPool } from "./postgres-client.ts";
import { createTable, requireTableName } from "./session-table.ts";

export interface PostgresStoreOptions {
  /** Its name, with a schema or without. @default "headroom_sessions" */
  readonly table?: string | undefined;
  /** Without write-ahead log: five times as many writes; a crash of the server logs everybody out. @default false */
  readonly unlogged?: boolean | undefined;
}

/**
 * Keeps sessions in a table. The application makes the pool, and ends it.
 * @throws TypeError naming what is wrong.
 */
export function postgresStore(
  pool: PostgresPool,
  options: PostgresStoreOptions = {},
): PostgresStore {
  return new PostgresStore(pool, options);
}

function inMs(parameter: string): string {
  return `now() + ${parameter} * interval '1 millisecond'`;
}

export class PostgresStore implements SessionStore, UserIndex, UserEpochs, Sweeper, Listing {
  readonly name = "postgresql";
  readonly #pool: PostgresPool;
  readonly #table: string;
  readonly #unlogged: boolean;

  constructor(pool: PostgresPool, options: PostgresStoreOptions) {
    requireKnownOptions("postgresStore", options, ["table", "unlogged"]);
    this.#pool = requireMethods<PostgresPool>("pool", pool, ["query"]);
    this.#table = requireTableName(options.table ?? "headroom_sessions");
    this.#unlogged = options.unlogged ?? false;
  }

  /** Makes the table if there is none; call it when the application starts, or run its SQL yourself. */
  migrate(): Promise<void> {
    return createTable(this.#pool, this.#table, this.#unlogged);
  }

  async load(key: string): Promise<StoredSession | undefined> {
    const { rows } = await this.#pool.query(
      `SELECT meta, fields, extract(epoch FROM seen_at) * 1000 AS seen
         FROM ${this.#table} WHERE key = $1 AND expires_at > now()`,
      [key],
    );
    const [row] = rows;
    if (row === undefined) return undefined;
    return {
      fields: new Map(Object.entries(row["fields"] as Record<string, string>)),
      meta: row["meta"] as SessionMeta,
      seenAtMs: Math.round(Number(row["seen"])),
    };
  }

  async create(key: string, { fields, meta, seenAtMs, ttlMs }: NewSession): Promise<boolean> {
    const { rowCount } = await this.#pool.query(
      `INSERT INTO ${this.#table} AS kept (key, user_id, meta, fields, seen_at, expires_at)
       VALUES ($1, $2, $3, $4, ${at("$5")}, ${inMs("$6")})
       ON CONFLICT (key) DO UPDATE SET
         user_id = excluded.user_id, meta = excluded.meta, fields = excluded.fields,
         seen_at = excluded.seen_at, expires_at = excluded.expires_at
       WHERE kept.expires_at <= now()`,
      [key, meta.userId ?? null, JSON.stringify(meta), json(fields), seenAtMs, ttlMs],
    );
    return rowCount === 1;
  }

  async commit(key: string, { set, del, expect }: Change, touch: Touch): Promise<CommitResult> {
    const expected = new Map(expect);
    const absent = [...expected].filter(([, text]) => text === undefined).map(([name]) => name);
    for (const name of absent) expected.delete(name);
    // One row whether it was changed or not: it says which of the two it is.
    const { rows } = await this.#pool.query(
      `WITH found AS (
         SELECT key, fields @> $4::jsonb AND NOT fields ?| $5::text[] AS expected
           FROM ${this.#table} WHERE key = $1 AND expires_at > now() FOR UPDATE
       ), changed AS (
         UPDATE ${this.#table} AS kept
            SET fields = (kept.fields || $2::jsonb) - $3::text[],
                seen_at = ${at("$6")}, expires_at = ${inMs("$7")}
           FROM found WHERE kept.key = found.key AND found.expected
       )
       SELECT expected FROM found`,
      [key, json(set), del, json(expected), absent, touch.seenAtMs, touch.ttlMs],
    );
    const [row] = rows;
    if (row === undefined) return "gone";
    return row["expected"] === true ? "ok" : "conflict";
  }

  async touch(key: string, { seenAtMs, ttlMs }: Touch): Promise<boolean> {
    const { rowCount } = await this.#pool.query(
      `UPDATE ${this.#table} SET seen_at = ${at("$2")}, expires_at = ${inMs("$3")}
        WHERE key = $1 AND expires_at > now()`,
      [key, seenAtMs, ttlMs],
    );
    return rowCount === 1;
  }

  async rotate(from: string, to: string, meta: SessionMeta, touch: Touch): Promise<boolean> {
    const { rowCount } = await this.#pool.query(
      `UPDATE ${this.#table} SET key = $2, user_id = $3, meta = $4,
              seen_at = ${at("$5")}, expires_at = ${inMs("$6")}
        WHERE key = $1 AND expires_at > now()`,
      [from, to, meta.userId ?? null, JSON.stringify(meta), touch.seenAtMs, touch.ttlMs],
    );
    return rowCount === 1;
  }

  async destroy(key: string): Promise<boolean> {
    const { rows } = await this.#pool.query(
      `DELETE FROM ${this.#table} WHERE key = $1 RETURNING expires_at > now() AS existed`,
      [key],
    );
    return rows[0]?.["existed"] === true;
  }

  /** Nothing to do: whose a session is stands in its row. */
  enlist(): Promise<void> {
    return Promise.resolve();
  }

  strike(): Promise<void> {
    return Promise.resolve();
  }

  async ofUser(userId: string): Promise<readonly UserSession[]> {
    const { rows } = await this.#pool.query(
      `SELECT key, meta, extract(epoch FROM seen_at) * 1000 AS seen
         FROM ${this.#table} WHERE user_id = $1 AND expires_at > now() ORDER BY seen_at DESC`,
      [userId],
    );
    return rows.map((row) => ({
      key: String(row["key"]),
      meta: row["meta"] as SessionMeta,
      seenAtMs: Math.round(Number(row["seen"])),
    }));
  }

  async epochOf(userId: string): Promise<number> {
    const { rows } = await this.#pool.query(
      `SELECT epoch FROM ${this.#table}_epochs WHERE user_id = $1 AND expires_at > now()`,
      [userId],
    );
    return Number(rows[0]?.["epoch"] ?? 0);
  }

  async raiseEpoch(userId: string, keepMs: number): Promise<void> {
    await this.#pool.query(
      `INSERT INTO ${this.#table}_epochs AS kept (user_id, epoch, expires_at)
       VALUES ($1, floor(extract(epoch FROM clock_timestamp()) * 1000), ${inMs("$2")})
       ON CONFLICT (user_id) DO UPDATE SET
         epoch = greatest(kept.epoch + 1, excluded.epoch), expires_at = excluded.expires_at`,
      [userId, keepMs],
    );
  }

  async forgetUser(userId: string): Promise<void> {
    await this.#pool.query(`DELETE FROM ${this.#table}_epochs WHERE user_id = $1`, [userId]);
  }

  async *keys(): AsyncIterable<string> {
    let last = "";
    for (;;) {
      const { rows } = await this.#pool.query(
        `SELECT key FROM ${this.#table} WHERE key > $1 AND expires_at > now() ORDER BY key LIMIT 1000`,
        [last],
      );
      for (const row of rows) {
        last = String(row["key"]);
        yield last;
      }
      if (rows.length < 1_000) return;
    }
  }

  async sweep(limit: number): Promise<number> {
    const { rowCount } = await this.#pool.query(
      `DELETE FROM ${this.#table} WHERE key IN (
         SELECT key FROM ${this.#table} WHERE expires_at <= now() LIMIT $1 FOR UPDATE SKIP LOCKED)`,
      [limit],
    );
    await this.#pool.query(`DELETE FROM ${this.#table}_epochs WHERE expires_at <= now()`);
    return rowCount ?? 0;
  }
}

function at(parameter: string): string {
  return `to_timestamp(${parameter} / 1000.0)`;
}

function json(fields: ReadonlyMap<string, string | undefined>): string {
  return JSON.stringify(Object.fromEntries(fields));
}
