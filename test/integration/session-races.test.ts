/** Parallel requests over real stores, of applications that know nothing of each other. */

import { startPostgres, startRedis, useServers } from "@headroom/harness";
import { createSessions, type Session, type SessionStore } from "@headroom/session";
import { postgresStore } from "@headroom/session/postgres";
import { redisStore } from "@headroom/session/redis";
import { Redis } from "ioredis";
import pg from "pg";
import { afterEach, describe, expect, onTestFinished, test } from "vitest";

interface Fields {
  n: number;
  [name: string]: unknown;
}

const redis = useServers(() => startRedis());
const postgres = useServers(() => startPostgres());

/** Ended before the harness drops their databases. */
const pools: pg.Pool[] = [];
afterEach(async () => void (await Promise.all(pools.splice(0).map((pool) => pool.end()))));

async function onRedis(): Promise<SessionStore> {
  const client = new Redis(redis().primary.via);
  onTestFinished(() => client.disconnect());
  return redisStore(client);
}

async function onPostgres(): Promise<() => Promise<SessionStore>> {
  const database = await postgres().createDatabase();
  return async () => {
    const pool = new pg.Pool(postgres().primary.connection(database));
    pools.push(pool);
    const store = postgresStore(pool);
    await store.migrate();
    return store;
  };
}

describe.each([
  ["Redis", async () => onRedis],
  ["PostgreSQL", onPostgres],
] as const)("%s", (_, prepare) => {
  async function start() {
    const open = await prepare();
    // Races are the matter, and deadlines are not: a busy machine takes its time for 1,000 at once.
    const options = { secrets: ["s".repeat(32)], timeoutMs: 20_000 };
    const apps = await Promise.all(
      [0, 1].map(async () => createSessions<Fields>({ store: await open(), ...options })),
    );
    onTestFinished(async () => void (await Promise.all(apps.map((app) => app.close()))));
    const first = apps[0]?.open(undefined) as Session<Fields>;
    first.set("n", 0);
    await first.save();
    const cookie = first.takeCookie()?.split(";")[0] ?? "";
    const session = (at: number) => apps[at % 2]?.open(cookie) as Session<Fields>;
    return { session, apps };
  }

  test("20 requests write a field each: 20 writes survive", async () => {
    const { session } = await start();
    const loaded = await Promise.all(Array.from({ length: 20 }, (_, at) => session(at).load()));
    await Promise.all(
      loaded.map((each, at) => {
        each.set(`field-${at}`, at);
        return each.save();
      }),
    );
    expect((await session(0).load()).names()).toHaveLength(21);
  });

  test("1,000 increments are 1,000", async () => {
    const { session } = await start();
    await Promise.all(
      Array.from({ length: 1_000 }, (_, at) => session(at).update("n", (n = 0) => n + 1)),
    );
    expect(await session(0).get("n")).toBe(1_000);
  });

  test("a request that read before a logout and writes after it: 0 of 10 brought back", async () => {
    const { session } = await start();
    let resurrected = 0;
    for (let round = 0; round < 10; round++) {
      const late = await session(0).load();
      await session(1).logout();
      late.set("n", 1);
      expect(await late.commit()).toBe(round === 0 ? "gone" : "ok");
      if ((await session(1).load()).names().length > 0) resurrected++;
    }
    expect(resurrected).toBe(0);
  });

  test("writes beside a login are the user's, or told to be lost", async () => {
    const { session, apps } = await start();
    const writers = await Promise.all(Array.from({ length: 20 }, (_, at) => session(at).load()));
    const login = await session(0).load();
    const [, ...results] = await Promise.all([
      login.login("ann"),
      ...writers.map((each, at) => {
        each.set(`field-${at}`, at);
        return each.commit();
      }),
    ]);
    const cookie = login.takeCookie()?.split(";")[0];
    const after = (await apps[1]?.open(cookie).load()) as Session<Fields>;
    const kept = results.filter((result) => result === "ok").length;
    expect(after.names()).toHaveLength(1 + kept);
    expect((await session(0).load()).userId).toBeUndefined();
  });

  test("20 logins of one user at once with room for 5: 5 are left", async () => {
    const open = await prepare();
    const sessions = createSessions<Fields>({
      store: await open(),
      secrets: ["s".repeat(32)],
      maxPerUser: { limit: 5 },
    });
    onTestFinished(() => sessions.close());
    await Promise.all(Array.from({ length: 20 }, () => sessions.open(undefined).login("ann")));
    const left = await sessions.ofUser("ann");
    expect(left.length).toBeLessThanOrEqual(5);
    await sessions.open(undefined).login("ann");
    expect(await sessions.ofUser("ann")).not.toHaveLength(0);
  });
});
