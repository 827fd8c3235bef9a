/**
 * The little that Headroom asks of a PostgreSQL client: what `pg`'s `Pool`, `PoolClient` and `Client`
 * have. The application makes them, with its passwords and its TLS; no package of ours imports pg.
 *
 * What `pool.query` does not do is to end. A server that is gone without a sign (its machine, or the
 * network) never answers, and each call keeps a connection of the pool for ever, until there are none.
 * {@link onPostgres} gives every statement a deadline, and a connection of which it is not known what
 * state it is in is closed instead of given back.
 */

import type { Clock } from "./clock.ts";
import { withDeadline } from "./deadline.ts";

export interface PostgresResult {
  readonly rows: readonly Record<string, unknown>[];
}

/** Runs statements: a pool, a client, a transaction. */
export interface PostgresQueryable {
  query(text: string, values?: unknown[]): Promise<PostgresResult>;
}

interface PostgresEvents {
  on(event: "error", listener: (error: Error) => void): unknown;
  removeListener(event: "error", listener: (error: Error) => void): unknown;
}

/** A connection that was lent by a pool. */
export interface PostgresPoolClient extends PostgresQueryable, PostgresEvents {
  /** True: it is closed. */
  release(destroy?: boolean): void;
}

export interface PostgresPool extends PostgresQueryable {
  connect(): Promise<PostgresPoolClient>;
}

export interface OnPostgresOptions {
  /** How long it may take, with the wait for a connection. */
  readonly timeoutMs: number;
  /** For the error: `"the claim"`. */
  readonly what: string;
  readonly clock?: Clock | undefined;
}

/**
 * Runs `work` on a connection of the pool.
 * @throws DeadlineExceededError `DEADLINE_EXCEEDED`; the connection is closed, and the server may or
 *   may not have done it.
 * @throws what the pool or `work` rejects with.
 */
export async function onPostgres<Result>(
  pool: PostgresPool,
  { timeoutMs, what, clock }: OnPostgresOptions,
  work: (client: PostgresQueryable) => Promise<Result>,
): Promise<Result> {
  return withDeadline({ timeoutMs, what, clock }, async (signal, deadline) => {
    const client = await pool.connect();
    if (signal.aborted) {
      client.release();
      throw signal.reason;
    }
    let isLent = true;
    const giveBack = (destroy: boolean): void => {
      if (!isLent) return;
      isLent = false;
      client.removeListener("error", broken);
      client.release(destroy);
    };
    // A connection that breaks while it is lent tells so in an event, too: unheard, it ends the process.
    const broken = (): void => giveBack(true);
    const late = (): void => giveBack(true);
    client.on("error", broken);
    deadline.signal.addEventListener("abort", late, { once: true });
    try {
      const result = await work(client);
      giveBack(false);
      return result;
    } catch (error) {
      giveBack(!isStatementError(error));
      throw error;
    } finally {
      deadline.signal.removeEventListener("abort", late);
    }
  });
}

/** The SQLSTATE of an error of the server: `"23505"`. */
export function postgresState(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  const { code } = error;
  return typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

/** Of these classes and states it is the connection or its server that is no good. */
const SERVER_STATES = /^(08|57|58|XX|25006)/;

/** The statement was wrong or refused, and its connection is as good as before. */
function isStatementError(error: unknown): boolean {
  const state = postgresState(error);
  return state !== undefined && !SERVER_STATES.test(state);
}

/** The transaction was undone by the server for the sake of others: the same may be tried again. */
export function isPostgresConflict(error: unknown): boolean {
  const state = postgresState(error);
  return state === "40001" || state === "40P01";
}

const SCHEMA_NAME = /^[a-z_][a-z0-9_]{0,50}$/;

/**
 * The name of a schema that may stand in SQL, quoted.
 * @throws TypeError
 */
export function quotedSchema(name: string): string {
  if (typeof name === "string" && SCHEMA_NAME.test(name)) return `"${name}"`;
  throw new TypeError(
    `schema must be a name such as "app" or "headroom_queue", in lower case, got ${JSON.stringify(name)}`,
  );
}

/**
 * A list as PostgreSQL writes it down: `{"a",NULL,"b"}`. One text, whatever passes it on: query
 * builders do all kinds of things to lists.
 */
export function postgresArray(values: readonly (string | number | boolean | undefined)[]): string {
  let text = "{";
  for (const value of values) {
    if (text.length > 1) text += ",";
    if (value === undefined) text += "NULL";
    else if (typeof value === "string") text += `"${value.replace(/["\\]/g, "\\$&")}"`;
    else text += String(value);
  }
  return `${text}}`;
}
