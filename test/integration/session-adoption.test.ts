/** Users whom express-session has logged in, with its stores, when the application changes to ours. */

import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { startPostgres, startRedis, useServers } from "@headroom/harness";
import { createSessions, type ForeignSessions } from "@headroom/session";
import { toExpressSessionStore } from "@headroom/session/express-session";
import { connectPgSimpleSessions, postgresStore } from "@headroom/session/postgres";
import { connectRedisSessions, redisStore } from "@headroom/session/redis";
import connectPgSimple from "connect-pg-simple";
import { RedisStore as ConnectRedis } from "connect-redis";
import express, { type RequestHandler } from "express";
import session from "express-session";
import { Redis } from "ioredis";
import pg from "pg";
import { afterEach, describe, expect, onTestFinished, test } from "vitest";

const OLD_SECRET = "keyboard cat";
const redis = useServers(() => startRedis());
const postgres = useServers(() => startPostgres());

/** Ended before the harness drops their databases. */
const pools: pg.Pool[] = [];
afterEach(async () => void (await Promise.all(pools.splice(0).map((pool) => pool.end()))));

interface Parts {
  readonly theirs: session.Store;
  readonly from: ForeignSessions;
  readonly store: ReturnType<typeof redisStore> | ReturnType<typeof postgresStore>;
}

async function onRedis(): Promise<Parts> {
  const client = new Redis(redis().primary.via);
  onTestFinished(() => client.disconnect());
  return {
    theirs: new ConnectRedis({ client }),
    from: connectRedisSessions(client),
    store: redisStore(client),
  };
}

async function onPostgres(): Promise<Parts> {
  const database = await postgres().createDatabase();
  const pool = new pg.Pool(postgres().primary.connection(database));
  pools.push(pool);
  const Store = connectPgSimple(session);
  const theirs = new Store({ pool, createTableIfMissing: true, pruneSessionInterval: false });
  const store = postgresStore(pool);
  await store.migrate();
  return { theirs, from: connectPgSimpleSessions(pool), store };
}

const expressSession = (store: session.Store): RequestHandler =>
  session({ store, secret: OLD_SECRET, resave: false, saveUninitialized: false });

async function serve(use: RequestHandler): Promise<number> {
  const app = express().use(use);
  app.get("/login", (request, response) => {
    Object.assign(request.session, { passport: { user: "ann" }, n: 1 });
    request.session.save(() => response.send("in"));
  });
  app.get("/", (request, response) => {
    const { passport, n } = request.session as { passport?: { user: string }; n?: number };
    response.json([passport?.user ?? null, n ?? null]);
  });
  app.get("/add", (request, response) => {
    const own = request.session as { n?: number };
    own.n = (own.n ?? 0) + 1;
    response.send("added");
  });
  app.get("/logout", (request, response) => {
    request.session.destroy(() => response.send("out"));
  });
  const server = createServer(app as RequestListener).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function get(port: number, path: string, cookie = "") {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { cookie } });
  return { body: await answer.text(), set: answer.headers.getSetCookie()[0]?.split(";")[0] };
}

describe.each([
  ["connect-redis", onRedis],
  ["connect-pg-simple", onPostgres],
] as const)("%s", (_, open) => {
  const middlewares = {
    "our store under express-session": ({ store, from }: Parts) =>
      expressSession(toExpressSessionStore(store, session.Store, { adopt: from })),
    "our own middleware": ({ store, from }: Parts) => {
      const sessions = createSessions({
        store,
        secrets: ["s".repeat(32)],
        load: "eager",
        adopt: {
          secrets: [OLD_SECRET],
          from,
          userId: (data) => (data["passport"] as { user?: string } | undefined)?.user,
        },
      });
      onTestFinished(() => sessions.close());
      return sessions.express();
    },
  };

  test.each(Object.entries(middlewares))(
    "%s: who was logged in stays so, on all servers at once, and a logout ends it everywhere",
    async (_name, use) => {
      const parts = await open();
      const old = await serve(expressSession(parts.theirs));
      const { set: cookie } = await get(old, "/login");
      const [one, other] = [await serve(use(parts)), await serve(use(parts))];
      const first = await Promise.all(
        Array.from({ length: 10 }, (__, at) => get(at % 2 === 0 ? one : other, "/", cookie)),
      );
      expect(new Set(first.map(({ body }) => body))).toEqual(new Set(['["ann",1]']));
      await get(one, "/add", cookie);
      expect((await get(other, "/", cookie)).body).toBe('["ann",2]');
      await get(other, "/logout", cookie);
      for (const port of [one, other, old]) {
        expect((await get(port, "/", cookie)).body).toBe("[null,null]");
      }
    },
  );

  test("first our store, then our middleware: the user notices neither", async () => {
    const parts = await open();
    const old = await serve(expressSession(parts.theirs));
    const { set: cookie } = await get(old, "/login");
    const adopting = toExpressSessionStore(parts.store, session.Store, { adopt: parts.from });
    const second = await serve(expressSession(adopting));
    expect((await get(second, "/", cookie)).body).toBe('["ann",1]');
    const sessions = createSessions({
      store: parts.store,
      secrets: ["s".repeat(32)],
      load: "eager",
      adopt: { secrets: [OLD_SECRET] },
    });
    onTestFinished(() => sessions.close());
    const third = await serve(sessions.express());
    expect((await get(third, "/", cookie)).body).toBe('["ann",1]');
    expect((await get(third, "/", cookie?.replace(/.$/, "x"))).body).toBe("[null,null]");
  });
});
