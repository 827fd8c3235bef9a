/**
 * One statement at a time on the application's pool: with a deadline, after the tables are there, and
 * with one kind of error.
 *
 * A statement is a call of one of our functions. The server keeps the plans of what is inside of a
 * function for as long as the connection lives, so nothing is gained by naming statements, and nothing
 * is left on a connection that PgBouncer could give to another.
 *
 * A statement that the server has undone for the sake of another (a deadlock, a serialization failure)
 * is tried again at once. Any other failure leaves open what was done, and is told.
 */

import type { Clock } from "@headroom/core/clock";
import {
  isPostgresConflict,
  onPostgres,
  type PostgresPool,
  type PostgresQueryable,
  postgresState,
  quotedSchema,
} from "@headroom/core/postgres-client";
import { migratePostgres } from "@headroom/core/postgres-migrations";
import { driverFailed, QueueError } from "../errors.ts";
import { queueMigrations } from "./queue-migrations.ts";
import { LEASE_LOST_STATE } from "./settle-functions.ts";

export type Row = Readonly<Record<string, unknown>>;

export interface StatementsOptions {
  readonly pool: PostgresPool;
  readonly schema: string;
  readonly migrate: boolean;
  readonly timeoutMs: number;
  readonly clock: Clock;
}

const MOST_TRIES = 4;

export class Statements {
  /** Quoted, to stand in SQL. */
  readonly schema: string;
  /** On which notifications are sent. */
  readonly channel: string;
  readonly #options: StatementsOptions;
  readonly #known = new Set<string>();
  #migrated: Promise<void> | undefined;

  constructor(options: StatementsOptions) {
    this.#options = options;
    this.schema = quotedSchema(options.schema);
    this.channel = options.schema;
    if (!options.migrate) this.#migrated = Promise.resolve();
  }

  /** Makes the tables, or waits until another call has. One that fails is tried again by the next. */
  migrate(): Promise<void> {
    this.#migrated ??= this.#migrate().catch((error: unknown) => {
      this.#migrated = undefined;
      throw error;
    });
    return this.#migrated;
  }

  #migrate(): Promise<void> {
    const { schema } = this.#options;
    return this.#on((client) => migratePostgres(client, schema, queueMigrations(schema)));
  }

  /** @throws QueueError `QUEUE_UNAVAILABLE` */
  async run(queue: string, text: string, values: unknown[]): Promise<readonly Row[]> {
    for (let tries = 1; ; tries++) {
      try {
        await this.migrate();
        return (await this.#on((client) => client.query(text, values))).rows;
      } catch (error) {
        if (isPostgresConflict(error) && tries < MOST_TRIES) continue;
        throw failed(queue, error);
      }
    }
  }

  /**
   * In a transaction of the application's. What the server says comes out as it is: whoever made the
   * transaction decides whether it is tried again.
   */
  async runIn(
    transaction: PostgresQueryable,
    queue: string,
    text: string,
    values: unknown[],
  ): Promise<readonly Row[]> {
    await this.know(queue);
    try {
      return (await transaction.query(text, values)).rows;
    } catch (error) {
      if (!hasState(error, LEASE_LOST_STATE)) throw error;
      throw new QueueError(
        "QUEUE_LEASE_LOST",
        queue,
        `queue "${queue}": the lease was lost, so the transaction that completes the job must not be committed`,
        { cause: error },
      );
    }
  }

  /** The row of a queue is made before, and not in, a transaction in which others would wait for it. */
  async know(queue: string): Promise<void> {
    if (this.#known.has(queue)) return;
    await this.run(queue, `SELECT ${this.schema}.queue_id($1)`, [queue]);
    this.#known.add(queue);
  }

  #on<Result>(work: (client: PostgresQueryable) => Promise<Result>): Promise<Result> {
    const { pool, timeoutMs, clock } = this.#options;
    return onPostgres(pool, { timeoutMs, what: "a statement of the queue", clock }, work);
  }
}

function failed(queue: string, error: unknown): QueueError {
  return driverFailed(queue, "PostgreSQL", error);
}

/** Query builders put the server's error into one of theirs. */
function hasState(error: unknown, state: string): boolean {
  for (
    let each = error, depth = 0;
    each instanceof Error && depth < 5;
    each = each.cause, depth++
  ) {
    if (postgresState(each) === state) return true;
  }
  return false;
}
