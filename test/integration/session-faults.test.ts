/** What users see while the server of their sessions is stopped, stalled or killed. */

import { eventually, startPostgres, startRedis, useServers } from "@headroom/harness";
import { createSessions, type Session, type Sessions } from "@headroom/session";
import { postgresStore } from "@headroom/session/postgres";
import { redisStore } from "@headroom/session/redis";
import { Redis } from "ioredis";
import pg from "pg";
import { afterEach, describe, expect, onTestFinished, test } from "vitest";

type App = Sessions<{ n: number }>;
const TIMEOUT_MS = 300;
const secrets = ["s".repeat(32)];

/** Persists what it has acknowledged, as a server of sessions should. */
const settings = { appendonly: "yes", appendfsync: "always" };
const redis = useServers(() => startRedis({ settings }));
const postgres = useServers(() => startPostgres());

/** Ended before the harness drops their databases. */
const pools: pg.Pool[] = [];
afterEach(async () => void (await Promise.all(pools.splice(0).map((pool) => pool.end()))));

async function onRedis(): Promise<App> {
  const { host, port } = redis().primary.via;
  const client = new Redis(port, host, { retryStrategy: () => 50 });
  client.on("error", () => {});
  onTestFinished(() => client.disconnect());
  return createSessions({ store: redisStore(client), secrets, timeoutMs: TIMEOUT_MS });
}

async function onPostgres(): Promise<App> {
  const database = await postgres().createDatabase();
  const pool = new pg.Pool({
    ...postgres().primary.connection(database),
    connectionTimeoutMillis: 200,
  });
  pool.on("error", () => {});
  pools.push(pool);
  const store = postgresStore(pool);
  await store.migrate();
  return createSessions({ store, secrets, timeoutMs: TIMEOUT_MS });
}

async function login(app: App): Promise<string> {
  const session = app.open(undefined);
  session.set("n", 0);
  await session.login("ann");
  return cookieOf(session);
}

function cookieOf(session: Session<{ n: number }>): string {
  return session.takeCookie()?.split(";")[0] ?? "";
}

const outcome = async (work: () => Promise<unknown>) => {
  const startedMs = performance.now();
  const code = await work().then(
    () => "ok",
    (error: { code?: string }) => error.code ?? String(error),
  );
  return { code, ms: performance.now() - startedMs };
};

describe.each([
  ["Redis", onRedis, () => redis().primary],
  ["PostgreSQL", onPostgres, () => postgres().primary],
] as const)("%s", (_, open, server) => {
  test("stopped: who has a session is told 503 in time, nobody becomes anonymous, and all goes on", async () => {
    const app = await open();
    onTestFinished(() => app.close());
    const cookie = await login(app);
    await server().pause();
    const sessions = Array.from({ length: 30 }, () => app.open(cookie));
    for (const session of sessions) {
      const { code, ms } = await outcome(() => session.load());
      expect(["SESSION_TIMEOUT", "SESSION_STORE_FAILED"]).toContain(code);
      expect(ms).toBeLessThan(TIMEOUT_MS + 300);
      expect(session.takeCookie()).toBeUndefined();
    }
    await server().resume();
    await eventually("sessions are read again", async () => {
      const { code } = await outcome(() => app.open(cookie).load());
      return code === "ok";
    });
    const session = await app.open(cookie).load();
    expect([session.userId, session.peek("n")]).toEqual(["ann", 0]);
  });

  test("killed while sessions are written: what was acknowledged is there, what was ended stays so", async () => {
    const app = await open();
    onTestFinished(() => app.close());
    const [cookie, ended] = [await login(app), await login(app)];
    let acknowledged = 0;
    let isOver = false;
    const writing = (async () => {
      while (!isOver) {
        const session = app.open(cookie);
        session.set("n", acknowledged + 1);
        const { code } = await outcome(() => session.save());
        if (code === "ok") acknowledged++;
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    await eventually("some were written", () => acknowledged > 20);
    await app.open(ended).logout();
    await server().kill9();
    await server().restart();
    const before = acknowledged;
    await eventually("sessions are written again", () => acknowledged > before);
    isOver = true;
    await writing;
    const session = await app.open(cookie).load();
    expect(session.userId).toBe("ann");
    expect(session.peek("n")).toBeGreaterThanOrEqual(acknowledged);
    expect((await app.open(ended).load()).userId).toBeUndefined();
  });

  test("a login during an outage fails, sets no cookie, and works afterwards", async () => {
    const app = await open();
    onTestFinished(() => app.close());
    await login(app);
    await server().pause();
    const session = app.open(undefined);
    const { code, ms } = await outcome(() => session.login("bob"));
    expect(["SESSION_TIMEOUT", "SESSION_STORE_FAILED"]).toContain(code);
    expect(ms).toBeLessThan(2 * TIMEOUT_MS + 300);
    expect(session.takeCookie()).toBeUndefined();
    await server().resume();
    await eventually("logins work again", async () => {
      const { code: again } = await outcome(() => login(app));
      return again === "ok";
    });
  });
});

test("a socket hears that its session has ended, also when that happened while Redis could not be heard", async () => {
  const { host, port } = redis().primary.via;
  const client = new Redis(port, host, { retryStrategy: () => 50 });
  const other = new Redis(redis().primary.direct);
  for (const each of [client, other]) {
    each.on("error", () => {});
    onTestFinished(() => each.disconnect());
  }
  const [app, elsewhere] = [client, other].map((each) =>
    createSessions<{ n: number }>({ store: redisStore(each), secrets }),
  ) as [App, App];
  const cookie = await login(app);
  const session = await app.open(cookie).load();
  const heard = new Promise<void>((resolve) => app.onRevoked(session, resolve));
  await eventually("it listens", async () => {
    const [, count] = (await other.call("pubsub", "numsub", "session:gone")) as [string, number];
    return count === 1;
  });
  await redis().primary.link.refuse();
  await elsewhere.open(cookie).logout();
  await redis().primary.link.open();
  await heard;
});
