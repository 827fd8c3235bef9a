/** The servers of a case, with what makes an acknowledged job last: the log of Redis, fsync of PostgreSQL. */

import { startPostgres, startRedis } from "@headroom/harness";
import { Redis } from "ioredis";
import pg from "pg";
import type { Fresh } from "./scenes.ts";

const NO_POSTGRES = "postgres://there-is-none";
const NO_REDIS = { host: "there-is-none", port: 0 };

/** Redis with `appendonly yes`, `appendfsync everysec`; empty in every turn. */
export async function redisServer(resources: AsyncDisposableStack): Promise<Fresh> {
  const settings = { appendonly: "yes", appendfsync: "everysec" };
  const { primary } = resources.use(await startRedis({ settings }));
  const admin = new Redis({ ...primary.direct });
  resources.defer(() => admin.disconnect());
  return async () => {
    await admin.flushall("SYNC");
    return { redis: primary.direct, postgres: NO_POSTGRES };
  };
}

/** PostgreSQL with `fsync` and `synchronous_commit`; a new database in every turn. */
export async function postgresServer(resources: AsyncDisposableStack): Promise<Fresh> {
  const settings = { fsync: "on", synchronous_commit: "on", full_page_writes: "on" };
  const { primary } = resources.use(await startPostgres({ settings }));
  const admin = new pg.Pool({ connectionString: primary.url("postgres", primary.direct), max: 1 });
  resources.defer(() => admin.end());
  let turns = 0;
  return async (turn) => {
    const database = `turn_${turns++}`;
    await admin.query(`CREATE DATABASE ${database}`);
    turn.defer(async () => {
      await admin.query(`DROP DATABASE ${database} WITH (FORCE)`);
    });
    await admin.query("CHECKPOINT");
    return { redis: NO_REDIS, postgres: primary.url(database, primary.direct) };
  };
}
