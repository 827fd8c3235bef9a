/** The stores that tests of sessions run on, each empty, and gone after the test. */

import { startPostgres, startRedis, useServers } from "@headroom/harness";
import { memoryStore, type SessionStore, type UserIndex } from "@headroom/session";
import { postgresStore } from "@headroom/session/postgres";
import { redisStore } from "@headroom/session/redis";
import { Redis } from "ioredis";
import pg from "pg";
import { afterEach, onTestFinished } from "vitest";

export type OpenStore = () => Promise<SessionStore & UserIndex>;

/** To be called once in a file: `describe.each(sessionStores())`. */
export function sessionStores(): readonly (readonly [name: string, open: OpenStore])[] {
  const redis = useServers(() => startRedis());
  const postgres = useServers(() => startPostgres());
  /** Ended before the harness drops their databases. */
  const pools: pg.Pool[] = [];
  afterEach(async () => void (await Promise.all(pools.splice(0).map((pool) => pool.end()))));
  return [
    ["memory", async () => memoryStore()],
    [
      "Redis",
      async () => {
        const client = new Redis(redis().primary.via);
        onTestFinished(() => client.disconnect());
        return redisStore(client);
      },
    ],
    [
      "PostgreSQL",
      async () => {
        const database = await postgres().createDatabase();
        const pool = new pg.Pool(postgres().primary.connection(database));
        pools.push(pool);
        const store = postgresStore(pool);
        await store.migrate();
        return store;
      },
    ],
  ];
}
