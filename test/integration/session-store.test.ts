/** Every sentence of the store's contract, on real servers of each kind. */

import { startPostgres, startRedis, startRedisCluster, useServers } from "@headroom/harness";
import type { SessionStore } from "@headroom/session";
import { postgresStore } from "@headroom/session/postgres";
import { redisStore } from "@headroom/session/redis";
import { describeSessionStore } from "@headroom/session/testing";
import { Cluster, Redis } from "ioredis";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

interface Opened {
  readonly store: SessionStore;
  close(): unknown;
}

function conformance(name: string, open: () => Promise<Opened>): void {
  describe(name, () => casesOf(name, open));
}

function casesOf(name: string, open: () => Promise<Opened>): void {
  let opened: Opened | undefined;
  beforeEach(async () => {
    opened = await open();
  });
  afterEach(() => opened?.close());
  const setup = (): Opened => {
    if (opened === undefined) throw new Error("opened before the first test");
    return opened;
  };
  describeSessionStore(name, setup, { describe, test });
}

describe("Redis", () => {
  const redis = useServers(() => startRedis());
  conformance("one server", async () => {
    const client = new Redis(redis().primary.via);
    return { store: redisStore(client), close: () => client.disconnect() };
  });
  conformance("a client with a prefix, that announces changes", async () => {
    const client = new Redis(redis().primary.via);
    const store = redisStore(client, { prefix: "app[1]*:", announceChanges: true });
    return { store, close: () => client.disconnect() };
  });
});

describe("a Redis Cluster", () => {
  const redis = useServers(() => startRedisCluster({ replicasPerMaster: 0 }));
  conformance("three masters", async () => {
    const client = new Cluster(redis().nodes.map(({ via }) => via));
    return { store: redisStore(client), close: () => client.disconnect() };
  });
});

describe("PostgreSQL", () => {
  const postgres = useServers(() => startPostgres());
  for (const unlogged of [false, true]) {
    conformance(unlogged ? "an unlogged table" : "a table", async () => {
      const database = await postgres().createDatabase();
      const pool = new pg.Pool(postgres().primary.connection(database));
      const store = postgresStore(pool, { unlogged });
      await store.migrate();
      return { store, close: () => pool.end() };
    });
  }

  test("the table is made once by many processes at a time, and touches change no index", async () => {
    const database = await postgres().createDatabase();
    const pool = new pg.Pool({ ...postgres().primary.connection(database), max: 10 });
    const stores = Array.from({ length: 10 }, () => postgresStore(pool, { table: "app.visits" }));
    await pool.query("CREATE SCHEMA app");
    await Promise.all(stores.map((store) => store.migrate()));
    const [store] = stores;
    if (store === undefined) throw new Error("there are ten");
    const touch = { seenAtMs: Date.now(), ttlMs: 60_000 };
    const meta = { createdAtMs: 0, userId: "u" };
    await store.create("a", { fields: new Map([["a", '"x"']]), meta, ...touch });
    for (let at = 0; at < 20; at++) await store.touch("a", touch);
    await pool.query("SELECT pg_stat_force_next_flush()");
    const { rows } = await pool.query(
      "SELECT n_tup_upd AS updates, n_tup_hot_upd AS hot FROM pg_stat_user_tables WHERE relname = 'visits'",
    );
    expect(rows[0]).toEqual({ updates: "20", hot: "20" });
    await pool.end();
  });

  test("what is no name of a table is refused", () => {
    const pool = { query: () => Promise.reject(new Error("not asked")) };
    expect(() => postgresStore(pool, { table: "a; DROP TABLE b" })).toThrow(/table must be a name/);
    expect(() => postgresStore({} as never)).toThrow(/pool must be an object with query/);
  });
});
