/** Sessions that go from one real store to another while they are in use. */

import { startPostgres, startRedis, useServers } from "@headroom/harness";
import { createSessions, migratingStore, type SessionStore } from "@headroom/session";
import { postgresStore } from "@headroom/session/postgres";
import { redisStore } from "@headroom/session/redis";
import { describeSessionStore } from "@headroom/session/testing";
import { Redis } from "ioredis";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";

interface Fields {
  [name: string]: number;
}

const redis = useServers(() => startRedis());
const postgres = useServers(() => startPostgres());

let pool: pg.Pool;
let client: Redis;
let stores: { redis: SessionStore; postgres: SessionStore };

beforeEach(async () => {
  await redis().primary.command("FLUSHALL");
  const connection = postgres().primary.connection(await postgres().createDatabase());
  pool = new pg.Pool(connection);
  client = new Redis(redis().primary.via);
  const inTable = postgresStore(pool);
  await inTable.migrate();
  stores = { redis: redisStore(client), postgres: inTable };
});
afterEach(async () => {
  client.disconnect();
  await pool.end();
});

describeSessionStore(
  "PostgreSQL to Redis, prepare",
  () => ({ store: migratingStore({ from: stores.postgres, to: stores.redis, phase: "prepare" }) }),
  { describe, test },
);
describeSessionStore(
  "Redis to PostgreSQL, move",
  () => ({ store: migratingStore({ from: stores.redis, to: stores.postgres, phase: "move" }) }),
  { describe, test },
);

test.each([
  ["redis", "postgres"],
  ["postgres", "redis"],
] as const)(
  "from %s to %s, with servers of two phases at each time: no write is lost, no user logged out, no logout undone",
  async (source, target) => {
    const [from, to] = [stores[source], stores[target]];
    const server = (store: SessionStore) => {
      const made = createSessions<Fields>({ store, secrets: ["s".repeat(32)] });
      onTestFinished(() => made.close());
      return made;
    };
    const [before, prepared, moving, after] = [
      server(from),
      server(migratingStore({ from, to, phase: "prepare" })),
      server(migratingStore({ from, to, phase: "move" })),
      server(to),
    ];
    const users = await Promise.all(
      Array.from({ length: 20 }, async (_, at) => {
        const session = before.open(undefined);
        session.set("n", 0);
        await session.login(`user-${at}`);
        return { at, cookie: session.takeCookie()?.split(";")[0], writes: 0 };
      }),
    );
    const leavers = new Set(users.filter(({ at }) => at % 5 === 0));
    let round = 0;
    const use = async (servers: readonly (typeof before)[]) => {
      round++;
      await Promise.all(
        users.flatMap((user) =>
          servers.map(async (each, at) => {
            if (leavers.has(user) && round > 3) {
              await each.open(user.cookie).logout();
              return;
            }
            const session = await each.open(user.cookie).load();
            expect(session.userId).toBe(`user-${user.at}`);
            session.set(`round-${round}-${at}`, 1);
            expect(await session.commit()).toBe("ok");
            await session.update("n", (n = 0) => n + 1);
            user.writes++;
          }),
        ),
      );
    };
    for (const servers of [
      [before, before],
      [before, prepared],
      [prepared, prepared],
      [prepared, moving],
      [moving, prepared],
      [moving, moving],
      [moving, after],
      [after, after],
    ]) {
      await use(servers);
    }
    for (const user of users) {
      const session = await after.open(user.cookie).load();
      if (leavers.has(user)) {
        expect(session.userId).toBeUndefined();
        expect((await moving.open(user.cookie).load()).userId).toBeUndefined();
        continue;
      }
      expect(session.userId).toBe(`user-${user.at}`);
      expect(session.names()).toHaveLength(1 + user.writes);
      expect(session.peek("n")).toBe(user.writes);
      expect(await after.ofUser(`user-${user.at}`)).toHaveLength(1);
      expect((await before.open(user.cookie).load()).userId).toBeUndefined();
    }
  },
);
