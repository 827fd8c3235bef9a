/**
 * Every fault of the store at every kind of request, as a browser sees it: an answer in time, 503, no
 * cookie; and afterwards the same user in the same session, with what was acknowledged.
 */

import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { eventually, startPostgres, startRedis, useServers } from "@headroom/harness";
import { createSessions, type SessionStore } from "@headroom/session";
import { postgresStore } from "@headroom/session/postgres";
import { redisStore } from "@headroom/session/redis";
import express from "express";
import { Redis } from "ioredis";
import pg from "pg";
import { afterEach, describe, expect, onTestFinished, test } from "vitest";

const TIMEOUT_MS = 300;
const settings = { appendonly: "yes", appendfsync: "always" };
const redis = useServers(() => startRedis({ settings }));
const postgres = useServers(() => startPostgres());

/** Ended before the harness drops their databases. */
const pools: pg.Pool[] = [];
afterEach(async () => void (await Promise.all(pools.splice(0).map((pool) => pool.end()))));

async function onRedis(): Promise<SessionStore> {
  const { host, port } = redis().primary.via;
  const client = new Redis(port, host, { retryStrategy: () => 50 });
  client.on("error", () => {});
  onTestFinished(() => client.disconnect());
  return redisStore(client);
}

async function onPostgres(): Promise<SessionStore> {
  const connection = postgres().primary.connection(await postgres().createDatabase());
  const pool = new pg.Pool({ ...connection, connectionTimeoutMillis: 200 });
  pool.on("error", () => {});
  pools.push(pool);
  const store = postgresStore(pool);
  await store.migrate();
  return store;
}

async function serve(store: SessionStore) {
  const secrets = ["s".repeat(32)];
  const sessions = createSessions<{ n: number }>({ store, secrets, timeoutMs: TIMEOUT_MS });
  onTestFinished(() => sessions.close());
  const app = express().use(sessions.express());
  app.get("/static", (_, response) => void response.send("static"));
  app.get("/login", async (request, response) => {
    sessions.of(request).set("n", 0);
    await sessions.of(request).login("ann");
    response.send("in");
  });
  app.get("/read", async (request, response) => {
    const session = await sessions.of(request).load();
    response.json([session.userId ?? null, session.peek("n") ?? null]);
  });
  app.get("/write", async (request, response) => {
    sessions.of(request).set("n", Number(request.query["n"]));
    response.send("written");
  });
  app.get("/update", async (request, response) => {
    response.json(await sessions.of(request).update("n", (n = 0) => n + 1));
  });
  app.get("/logout", async (request, response) => {
    await sessions.of(request).logout();
    response.send("out");
  });
  const server = app.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return async (path: string, cookie = "") => {
    const startedMs = performance.now();
    const answer = await fetch(url + path, { headers: { cookie } });
    const body = await answer.text();
    const [set] = answer.headers.getSetCookie();
    return { status: answer.status, body, set, ms: performance.now() - startedMs };
  };
}

describe.each([
  ["Redis", onRedis, () => redis().primary],
  ["PostgreSQL", onPostgres, () => postgres().primary],
] as const)("%s", (_, open, server) => {
  const faults = {
    stopped: {
      begin: () => server().stop(),
      end: () => server().restart(),
    },
    stalled: {
      begin: () => server().link.stall(),
      end: () => server().link.open(),
    },
    hung: {
      begin: () => server().pause(),
      end: () => server().resume(),
    },
    "killed with the request on its way": {
      begin: () => server().link.latency(50),
      during: () => server().kill9(),
      end: async () => {
        server().link.open();
        await server().restart();
      },
    },
  };
  type Fault = {
    begin(): unknown;
    during?(): unknown;
    end(): unknown;
  };
  const requests = ["/read", "/write?n=5", "/update", "/login", "/logout"];

  test.each(
    Object.entries<Fault>(faults).flatMap(([name, fault]) =>
      requests.map((path) => [name, path, fault] as const),
    ),
  )("%s, %s", async (_name, path, { begin, during, end }) => {
    const get = await serve(await open());
    const [cookie] = ((await get("/login")).set ?? "").split(";");
    const [ended] = ((await get("/login")).set ?? "").split(";");
    await get("/logout", ended);
    await begin();
    const asked = get(path, cookie);
    await during?.();
    const answer = await asked;
    expect([answer.status, answer.set]).toEqual([503, undefined]);
    // A login asks twice: for the new key, and for the one before.
    expect(answer.ms).toBeLessThan(2 * TIMEOUT_MS + 500);
    expect((await get("/static", cookie)).status).toBe(200);
    await end();
    await eventually("sessions are read again", async () => {
      return (await get("/read", cookie)).status === 200;
    });
    const { body } = await get("/read", cookie);
    // What was told to have failed may have been done: of these, nothing else.
    const possible: Record<string, readonly string[]> = {
      "/write?n=5": ['["ann",0]', '["ann",5]'],
      "/update": ['["ann",0]', '["ann",1]'],
      "/login": ['["ann",0]', "[null,null]"],
      "/logout": ['["ann",0]', "[null,null]"],
    };
    expect(possible[path] ?? ['["ann",0]']).toContain(body);
    expect((await get("/read", ended)).body).toBe("[null,null]");
  });
});
