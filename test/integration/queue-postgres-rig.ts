/** A queue on a database of its own. */

import type { PostgresCluster } from "@headroom/harness";
import type { ClaimedJob, NewJob, QueueSettings, Verdict } from "@headroom/queue";
import {
  type PostgresDriver,
  type PostgresDriverOptions,
  postgresDriver,
} from "@headroom/queue/postgres";
import pg from "pg";

export const DONE: Verdict = { kind: "done", result: undefined };

export function settingsOf(
  name: string,
  more: Omit<Partial<QueueSettings>, "limits"> & { limits?: Partial<QueueSettings["limits"]> } = {},
): QueueSettings {
  return {
    name,
    maxBacklog: undefined,
    retention: { done: undefined, dead: { ms: 86_400_000, count: 1_000 } },
    ...more,
    limits: {
      concurrency: undefined,
      rate: undefined,
      perKeyConcurrency: 1,
      perKeyRate: undefined,
      ...more.limits,
    },
  };
}

export function newJob(id: string, more: Partial<NewJob> = {}): NewJob {
  return {
    id,
    mayExist: false,
    name: "work",
    body: JSON.stringify({ id }),
    headers: {},
    delayMs: 0,
    priority: 0,
    maxAttempts: 3,
    key: undefined,
    dedup: undefined,
    parent: undefined,
    ...more,
  };
}

export function idsOf(jobs: readonly ClaimedJob[]): string[] {
  return jobs.map(({ id }) => id);
}

/** What a test of one file opens, and closes in the end. */
export class Rig {
  readonly #postgres: () => PostgresCluster;
  readonly #closing: (() => Promise<unknown>)[] = [];

  constructor(postgres: () => PostgresCluster) {
    this.#postgres = postgres;
  }

  createDatabase(): Promise<string> {
    return this.#postgres().createDatabase();
  }

  pool(database: string, options: pg.PoolConfig = {}): pg.Pool {
    const pool = new pg.Pool({ ...this.#postgres().primary.connection(database), ...options });
    pool.on("error", () => {});
    this.#closing.push(() => pool.end());
    return pool;
  }

  driver(pool: pg.Pool, options: PostgresDriverOptions = {}): PostgresDriver {
    const driver = postgresDriver(pool, options);
    this.#closing.push(() => driver.close());
    return driver;
  }

  async open(
    options: PostgresDriverOptions = {},
  ): Promise<{ driver: PostgresDriver; pool: pg.Pool; database: string }> {
    const database = await this.createDatabase();
    const pool = this.pool(database);
    return { driver: this.driver(pool, options), pool, database };
  }

  async close(): Promise<void> {
    for (const close of this.#closing.splice(0).reverse()) await close();
  }
}
