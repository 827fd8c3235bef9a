/** What an application sees of a replica pool while all servers are well. */

import { once } from "node:events";
import { replicaLag, replicaQuery, replicaRoute } from "@headroom/core/channels";
import { eventually, type PostgresNode, startPostgres, useServers } from "@headroom/harness";
import {
  createReplicaPool,
  type ReplicaPool,
  type ReplicaPoolOptions,
  type RouteDecision,
} from "@headroom/replica-router";
import pg from "pg";
import { afterEach, describe, expect, onTestFinished, test } from "vitest";

const postgres = useServers(() => startPostgres({ replicas: 2 }));

const opened: ReplicaPool<pg.Pool>[] = [];
afterEach(async () => void (await Promise.all(opened.splice(0).map((db) => db.end()))));

function open(database: string, options: Partial<Omit<ReplicaPoolOptions, "pg">> = {}) {
  const routes: RouteDecision[] = [];
  const { primary, replicas } = postgres();
  const server = (node: typeof primary) => ({ ...node.connection(database), name: node.name });
  const db = createReplicaPool({
    pg,
    primary: server(primary),
    replicas: replicas.map(server),
    onRoute: (route) => routes.push(route),
    ...options,
  });
  opened.push(db);
  return { db, routes, last: () => routes.at(-1) };
}

async function prepared(options?: Partial<Omit<ReplicaPoolOptions, "pg">>) {
  const database = await postgres().createDatabase();
  const { primary } = postgres();
  await primary.query("CREATE TABLE notes (id serial PRIMARY KEY, text text)", [], database);
  await primary.query("INSERT INTO notes (text) VALUES ('one')", [], database);
  await postgres().caughtUp();
  const opened = open(database, options);
  await opened.db.query("SELECT 1");
  await eventually("both replicas are known", async () => {
    return opened.db.stats().nodes.filter(({ role }) => role === "replica").length === 2;
  });
  return { ...opened, database };
}

describe("as a pg.Pool", () => {
  test("it is one, and answers as one", async () => {
    const { db } = await prepared();
    expect(db).toBeInstanceOf(pg.Pool);
    const { rows, rowCount } = await db.query("SELECT text FROM notes WHERE id = $1", [1]);
    expect([rows, rowCount]).toEqual([[{ text: "one" }], 1]);
    const called = await new Promise((resolve) => {
      db.query("SELECT 1 AS n", (error: Error, result: pg.QueryResult) =>
        resolve([error, result.rows]),
      );
    });
    expect(called).toEqual([null, [{ n: 1 }]]);
    await expect(db.query("SELECT nothing")).rejects.toMatchObject({ code: "42703" });
  });

  test("a statement's own mistake costs no connection", async () => {
    const { db } = await prepared({ max: 1 });
    const made = new Set<unknown>();
    db.on("connect", (client) => made.add(client));
    for (let n = 0; n < 10; n++) await db.query("SELECT nothing").catch(() => {});
    expect(made.size).toBeLessThanOrEqual(3);
    expect(db.idleCount).toBe(db.totalCount);
  });

  test("counts and events are those of all servers, and end ends them", async () => {
    const { db } = await prepared({ max: 2 });
    await Promise.all(Array.from({ length: 12 }, () => db.query("SELECT pg_sleep(0.01)")));
    await Promise.all(Array.from({ length: 12 }, () => db.query("SELECT pg_sleep(0.01), now()")));
    expect(db.totalCount).toBeLessThanOrEqual(6);
    await db.end();
    await db.end();
    expect([db.totalCount, db.ended]).toEqual([0, true]);
    await expect(db.query("SELECT 1")).rejects.toMatchObject({ code: "REPLICA_CLOSED" });
    await expect(db.connect()).rejects.toMatchObject({ code: "REPLICA_CLOSED" });
  });
});

describe("servers that ask for a password", () => {
  /** Everybody but the harness, at every server, until the test is over. */
  async function askForPasswords(): Promise<void> {
    const { primary, nodes } = postgres();
    await primary.query("SET password_encryption = 'scram-sha-256'");
    await primary.query("CREATE ROLE app LOGIN PASSWORD 'hunter2'");
    await postgres().caughtUp();
    const rule = "host all app all scram-sha-256";
    const rewrite = (line: string) =>
      `COPY (SELECT line FROM unnest(string_to_array(${line}, E'\\n')) line) TO `;
    for (const node of nodes) {
      const [file] = await node.query<{ path: string; text: string }>(
        "SELECT current_setting('hba_file') AS path, pg_read_file(current_setting('hba_file')) AS text",
      );
      if (file === undefined) throw new Error(`${node.name} does not tell its rules`);
      const write = (text: string) =>
        node.query(`${rewrite(pg.escapeLiteral(text))}${pg.escapeLiteral(file.path)}`);
      await write(`${rule}\n${file.text}`);
      await node.query("SELECT pg_reload_conf()");
      onTestFinished(async () => {
        await write(file.text);
        await node.query("SELECT pg_reload_conf()");
      });
    }
    onTestFinished(async () => void (await primary.query("DROP ROLE app")));
  }

  test("are given it: in an object, in a URL, by a function; a wrong one is told at once", async () => {
    const database = await postgres().createDatabase();
    await askForPasswords();
    const reads = async (as: (node: PostgresNode) => object | string) => {
      const { primary, replicas } = postgres();
      const db = createReplicaPool({ pg, primary: as(primary), replicas: replicas.map(as) });
      opened.push(db);
      const { rows } = await db.query("SELECT current_user::text AS name");
      return rows;
    };
    const expected = [{ name: "app" }];
    const login = (password: unknown) => (node: PostgresNode) => {
      return { ...node.connection(database), user: "app", password };
    };
    expect(await reads(login("hunter2"))).toEqual(expected);
    expect(await reads(login(async () => "hunter2"))).toEqual(expected);
    const url = ({ via }: PostgresNode) =>
      `postgres://app:hunter2@${via.host}:${via.port}/${database}`;
    expect(await reads(url)).toEqual(expected);
    await expect(reads(login("wrong"))).rejects.toMatchObject({ code: "28P01" });
  });
});

describe("where statements go", () => {
  test("reads to replicas, evenly; writes to the primary", async () => {
    const { db, routes } = await prepared();
    routes.length = 0;
    for (let n = 0; n < 20; n++) await db.query("SELECT count(*) FROM notes");
    const to = (node: string) => routes.filter((route) => route.node === node).length;
    expect(postgres().replicas.map(({ name }) => to(name))).toEqual([10, 10]);
    expect(new Set(routes.map(({ role }) => role))).toEqual(new Set(["replica"]));
    routes.length = 0;
    await db.query("INSERT INTO notes (text) VALUES ('two')");
    expect(routes).toMatchObject([
      { role: "primary", kind: "write", reason: "write", waitedMs: 0 },
    ]);
  });

  test("hints are obeyed, in options, comments and views", async () => {
    const { db, last } = await prepared();
    await db.query({ text: "SELECT 1", route: "primary" } as pg.QueryConfig);
    expect(last()).toMatchObject({ role: "primary", reason: "hint" });
    await db.query("/* route:primary */ SELECT 1");
    expect(last()).toMatchObject({ role: "primary", reason: "hint" });
    await db.primary.query("SELECT 1");
    expect(last()).toMatchObject({ role: "primary", reason: "hint" });
    await db.query("INSERT INTO notes (text) VALUES ('two')");
    await db.replica.query("SELECT 1");
    expect(last()).toMatchObject({ role: "replica", reason: "hint" });
    expect(db.primary).toBeInstanceOf(pg.Pool);
    const client = await db.primary.connect();
    await client.query("SELECT 1");
    client.release();
    expect(last()).toMatchObject({ role: "primary", reason: "hint" });
  });

  test("what looks like a read and is none runs on the primary, and is known from then on", async () => {
    const { db, routes, database } = await prepared();
    const create =
      "CREATE FUNCTION sly() RETURNS int LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN nextval('notes_id_seq'); END $$";
    await postgres().primary.query(create, [], database);
    await postgres().caughtUp();
    routes.length = 0;
    await db.query("SELECT sly()");
    expect(routes).toMatchObject([
      { role: "replica", reason: "read" },
      { role: "primary", reason: "misrouted" },
    ]);
    routes.length = 0;
    await db.query("SELECT sly()");
    expect(routes).toMatchObject([{ role: "primary", kind: "write" }]);
    expect(db.stats().misrouted).toBe(1);
  });
});

describe("a client", () => {
  test("goes where each statement belongs, and keeps a transaction together", async () => {
    const { db, routes } = await prepared();
    routes.length = 0;
    const client = await db.connect();
    await client.query("SELECT 1");
    await client.query("BEGIN");
    await client.query("INSERT INTO notes (text) VALUES ('two')");
    const { rows } = await client.query("SELECT count(*)::int AS n FROM notes");
    expect(rows).toEqual([{ n: 2 }]);
    await client.query("COMMIT");
    client.release();
    expect(routes.map(({ role, reason }) => `${role} ${reason}`)).toEqual([
      "replica read",
      "primary transaction",
    ]);
    expect(() => client.release()).toThrow(/released already/);
    await expect(client.query("SELECT 1")).rejects.toMatchObject({
      code: "REPLICA_CLIENT_RELEASED",
    });
  });

  test("keeps the order of what is sent at once", async () => {
    const { db } = await prepared();
    const client = await db.connect();
    const results = await Promise.all([
      client.query("SELECT 0 AS n"),
      client.query("BEGIN"),
      client.query("INSERT INTO notes (text) VALUES ('two')"),
      client.query("SELECT count(*)::int AS n FROM notes"),
      client.query("ROLLBACK"),
      client.query("SELECT count(*)::int AS n FROM notes"),
    ]);
    client.release();
    expect([results[0].rows, results[3].rows, results[5].rows]).toEqual([
      [{ n: 0 }],
      [{ n: 2 }],
      [{ n: 1 }],
    ]);
  });

  test("reads in a read-only transaction on one replica", async () => {
    const { db, routes } = await prepared();
    routes.length = 0;
    const recovering = await db.transaction(
      async (client) => (await client.query("SELECT pg_is_in_recovery() AS r")).rows[0].r,
      { readOnly: true, isolation: "repeatable read" },
    );
    expect(recovering).toBe(true);
    expect(routes).toMatchObject([{ role: "replica", kind: "begin" }]);
  });

  test("stays on the primary once a session was begun there", async () => {
    const { db, database } = await prepared();
    const client = await db.connect();
    await client.query("SET application_name = 'mine'");
    const { rows } = await client.query(
      "SELECT current_setting('application_name') AS name, pg_is_in_recovery() AS r",
    );
    expect(rows).toEqual([{ name: "mine", r: false }]);
    const heard = once(client, "notification");
    await client.query("LISTEN news");
    await postgres().primary.query("NOTIFY news, 'hello'", [], database);
    expect(await heard).toMatchObject([{ channel: "news", payload: "hello" }]);
    client.release();
  });

  test("a transaction that nobody ended is rolled back", async () => {
    const { db } = await prepared({ max: 1 });
    const client = await db.connect();
    await client.query("BEGIN");
    await client.query("INSERT INTO notes (text) VALUES ('lost')");
    client.release();
    const { rows } = await db.primary.query("SELECT count(*)::int AS n FROM notes");
    expect(rows).toEqual([{ n: 1 }]);
    expect(db.stats().leakedTransactions).toBe(1);
    await db.query("BEGIN");
    const other = await db.connect();
    expect(other.getTransactionStatus()).toBeNull();
    other.release();
    expect(db.stats().leakedTransactions).toBe(2);
  });

  test("a failed transaction is rolled back and its connection goes on", async () => {
    const { db } = await prepared({ max: 1 });
    const failing = db.transaction(async (client) => {
      await client.query("INSERT INTO notes (text) VALUES ('two')");
      await client.query("SELECT nothing");
    });
    await expect(failing).rejects.toMatchObject({ code: "42703" });
    const { rows } = await db.primary.query("SELECT count(*)::int AS n FROM notes");
    expect(rows).toEqual([{ n: 1 }]);
  });

  test("many callers, one connection each: nobody's session is mixed up with another's", async () => {
    const { db } = await prepared({ max: 2 });
    await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        db.transaction(async (client) => {
          await client.query("INSERT INTO notes (text) VALUES ($1)", [`note ${n}`]);
          const { rows } = await client.query("SELECT text FROM notes WHERE text = $1", [
            `note ${n}`,
          ]);
          expect(rows).toEqual([{ text: `note ${n}` }]);
        }),
      ),
    );
    expect((await db.query("SELECT count(*)::int AS n FROM notes")).rows).toEqual([{ n: 21 }]);
  });
});

describe("what is told", () => {
  test("queries, routes and lag on their channels; nothing of it is SQL", async () => {
    const told: object[] = [];
    const ends = [
      replicaQuery.subscribe({ asyncEnd: (query) => told.push(query) }),
      replicaRoute.subscribe((route) => told.push(route)),
      replicaLag.subscribe((lag) => told.push(lag)),
    ];
    onTestFinished(() => {
      for (const end of ends) end();
    });
    const { db } = await prepared({ monitor: { intervalMs: 50 } });
    told.length = 0;
    await db.query("SELECT 'hunter2'");
    await db.transaction((client) => client.query("INSERT INTO notes (text) VALUES ('hunter2')"));
    await eventually("a lag is told", async () => told.some((event) => "lagBytes" in event));
    const queries = told.filter((event) => !("atMs" in event));
    expect(queries).toMatchObject([
      { pool: "db", role: "replica" },
      { role: "primary" },
      { role: "primary" },
      { role: "primary" },
    ]);
    expect(JSON.stringify(told)).not.toContain("hunter2");
  });

  test("a pool that is ended while a client is out ends all the same", async () => {
    const { db } = await prepared({ failoverMs: 300 });
    const client = await db.connect();
    await client.query("BEGIN");
    await db.end();
    expect(db.totalCount).toBe(0);
    client.release();
  });
});
