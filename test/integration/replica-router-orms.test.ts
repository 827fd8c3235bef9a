/** Query builders, ORMs and streams on top of a replica pool, on real servers. */

import { createRequire } from "node:module";
import { Readable } from "node:stream";
import { text as streamText } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { eventually, startPostgres, useServers } from "@headroom/harness";
import { createReplicaPool, type ReplicaPool, type RouteDecision } from "@headroom/replica-router";
import { PrismaPg } from "@prisma/adapter-pg";
import { sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/node-postgres";
import { pgTable, text } from "drizzle-orm/pg-core";
import knex from "knex";
import { Kysely, PostgresDialect } from "kysely";
import pg from "pg";
import { from as copyFrom, to as copyTo } from "pg-copy-streams";
import Cursor from "pg-cursor";
import QueryStream from "pg-query-stream";
import { DataTypes, Sequelize } from "sequelize";
import { DataSource, EntitySchema } from "typeorm";
import { afterEach, describe, expect, test } from "vitest";

const postgres = useServers(() => startPostgres({ replicas: 2 }));

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

type Pool = ReplicaPool<pg.Pool>;

async function open() {
  const database = await postgres().createDatabase();
  const { primary, replicas } = postgres();
  await primary.query("CREATE TABLE notes (text text PRIMARY KEY)", [], database);
  await primary.query("INSERT INTO notes VALUES ('first')", [], database);
  await postgres().caughtUp();
  const routes: RouteDecision[] = [];
  const server = (node: typeof primary) => ({ ...node.connection(database), name: node.name });
  const db = createReplicaPool({
    pg,
    primary: server(primary),
    replicas: replicas.map(server),
    max: 4,
    onRoute: (route) => routes.push(route),
  });
  closing.push(() => db.end());
  await eventually(
    "both replicas are known",
    async () => db.stats().nodes.filter(({ role }) => role === "replica").length === 2,
  );
  return { db, routes, database };
}

/** What every one of them can do. */
interface Notes {
  read(): Promise<string[]>;
  write(text: string): Promise<unknown>;
  /** Writes in a transaction, reads there, and undoes it by an error. */
  writeAndFail(text: string): Promise<readonly string[]>;
}

/** Undoes a transaction, and brings out what it has read. */
class Undo extends Error {
  readonly read: readonly string[];
  constructor(read: readonly string[]) {
    super("undo");
    this.read = read;
  }
}

async function undone(transaction: Promise<unknown>): Promise<readonly string[]> {
  const error = await transaction.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof Undo) return error.read;
  throw error;
}

const drizzleNotes = async (db: Pool): Promise<Notes> => {
  const notes = pgTable("notes", { text: text().primaryKey() });
  const orm = drizzle(db);
  const read = async (from: Pick<typeof orm, "select">) =>
    (await from.select().from(notes)).map((row) => row.text);
  return {
    read: () => read(orm),
    write: (value) => orm.insert(notes).values({ text: value }),
    writeAndFail: (value) =>
      undone(
        orm.transaction(async (transaction) => {
          await transaction.insert(notes).values({ text: value });
          await transaction.execute(sql`SELECT 1`);
          throw new Undo(await read(transaction));
        }),
      ),
  };
};

const kyselyNotes = async (db: Pool): Promise<Notes> => {
  const orm = new Kysely<{ notes: { text: string } }>({
    dialect: new PostgresDialect({ pool: db }),
  });
  const read = async (from: Pick<typeof orm, "selectFrom">) =>
    (await from.selectFrom("notes").selectAll().execute()).map((row) => row.text);
  return {
    read: () => read(orm),
    write: (value) => orm.insertInto("notes").values({ text: value }).execute(),
    writeAndFail: (value) =>
      undone(
        orm.transaction().execute(async (transaction) => {
          await transaction.insertInto("notes").values({ text: value }).execute();
          throw new Undo(await read(transaction));
        }),
      ),
  };
};

const prismaNotes = async (db: Pool): Promise<Notes> => {
  // As Prisma's engine calls it: `new PrismaClient({ adapter: new PrismaPg(db) })`.
  const adapter = await new PrismaPg(db).connect();
  type Queryable = Pick<typeof adapter, "queryRaw" | "executeRaw">;
  const read = async (from: Queryable) =>
    (await from.queryRaw({ sql: "SELECT text FROM notes", args: [], argTypes: [] })).rows.map(
      ([value]) => String(value),
    );
  const write = (to: Queryable, value: string) =>
    to.executeRaw({
      sql: "INSERT INTO notes VALUES ($1)",
      args: [value],
      argTypes: [{ scalarType: "string", arity: "scalar" }],
    });
  return {
    read: () => read(adapter),
    write: (value) => write(adapter, value),
    async writeAndFail(value) {
      const transaction = await adapter.startTransaction("READ COMMITTED");
      await write(transaction, value);
      const seen = await read(transaction);
      await transaction.executeRaw({ sql: "ROLLBACK", args: [], argTypes: [] });
      await transaction.rollback();
      return seen;
    },
  };
};

const typeormNotes = async (db: Pool): Promise<Notes> => {
  const Note = new EntitySchema<{ text: string }>({
    name: "notes",
    columns: { text: { type: "text", primary: true } },
  });
  // TypeORM makes a pool with `new driver.Pool(…)`: this one is there already.
  const Pool = new Proxy(pg.Pool, { construct: () => db });
  const orm = new DataSource({ type: "postgres", driver: { ...pg, Pool }, entities: [Note] });
  await orm.initialize();
  const read = async (from: Pick<typeof orm.manager, "find">) =>
    (await from.find(Note)).map((row) => row.text);
  return {
    read: () => read(orm.manager),
    write: (value) => orm.manager.insert(Note, { text: value }),
    writeAndFail: (value) =>
      undone(
        orm.transaction(async (transaction) => {
          await transaction.insert(Note, { text: value });
          throw new Undo(await read(transaction));
        }),
      ),
  };
};

/** It has no types of its own. */
const PostgresClient: typeof knex.Client = createRequire(import.meta.url)(
  "knex/lib/dialects/postgres/index.js",
);

const knexNotes = async (db: Pool): Promise<Notes> => {
  // Knex keeps clients in a pool of its own: these take a connection for each statement.
  class ReplicaClient extends PostgresClient {
    override acquireRawConnection() {
      return db.connect();
    }
    override async destroyRawConnection(client: pg.PoolClient) {
      client.release();
    }
  }
  const orm = knex({ client: ReplicaClient, connection: {} });
  closing.push(() => orm.destroy());
  return {
    read: () => orm("notes").pluck("text"),
    write: (value) => orm("notes").insert({ text: value }),
    writeAndFail: (value) =>
      undone(
        orm.transaction(async (transaction) => {
          await transaction("notes").insert({ text: value });
          throw new Undo(await transaction("notes").pluck("text"));
        }),
      ),
  };
};

const sequelizeNotes = async (db: Pool): Promise<Notes> => {
  const orm = new Sequelize({
    dialect: "postgres",
    dialectModule: pg,
    logging: false,
  });
  // Sequelize keeps a pool of its own: it is passed by.
  Object.assign((orm as unknown as { connectionManager: object }).connectionManager, {
    getConnection: () => db.connect(),
    releaseConnection: (client: pg.PoolClient) => client.release(),
  });
  const Note = orm.define(
    "notes",
    { text: { type: DataTypes.TEXT, primaryKey: true } },
    { timestamps: false },
  );
  const read = async (options: Parameters<typeof Note.findAll>[0] = {}) =>
    (await Note.findAll(options)).map((row) => String(row.get("text")));
  return {
    read,
    write: (value) => Note.create({ text: value }),
    writeAndFail: (value) =>
      undone(
        orm.transaction(async (transaction) => {
          await Note.create({ text: value }, { transaction });
          throw new Undo(await read({ transaction }));
        }),
      ),
  };
};

describe.each([
  ["Drizzle", drizzleNotes],
  ["Kysely", kyselyNotes],
  ["Prisma's adapter", prismaNotes],
  ["TypeORM", typeormNotes],
  ["Knex", knexNotes],
  ["Sequelize", sequelizeNotes],
])("%s", (_, notesOn) => {
  test("reads on replicas and writes on the primary", async () => {
    const { db, routes } = await open();
    const notes = await notesOn(db);
    expect(await notes.read()).toEqual(["first"]);
    routes.length = 0;
    for (let n = 0; n < 6; n++) await notes.read();
    expect(new Set(routes.map(({ node }) => node))).toEqual(
      new Set(postgres().replicas.map(({ name }) => name)),
    );
    routes.length = 0;
    await notes.write("second");
    expect(new Set(routes.map(({ role }) => role))).toEqual(new Set(["primary"]));
    expect((await notes.read()).sort()).toEqual(["first", "second"]);
  });

  test("a transaction stays together, and is rolled back", async () => {
    const { db, routes } = await open();
    const notes = await notesOn(db);
    routes.length = 0;
    expect((await notes.writeAndFail("lost")).toSorted()).toEqual(["first", "lost"]);
    expect(routes).toMatchObject([{ role: "primary", kind: "begin" }]);
    expect(await notes.read()).toEqual(["first"]);
    expect(db.stats().leakedTransactions).toBe(0);
  });

  test("what a session has written it reads, though no replica has it yet", async () => {
    const { db } = await open();
    const notes = await notesOn(db);
    for (const replica of postgres().replicas) await postgres().pauseReplay(replica);
    await db.run(async () => {
      await notes.write("mine");
      expect((await notes.read()).toSorted()).toEqual(["first", "mine"]);
    });
  });

  test("no read fails while a replica is killed", async () => {
    const { db } = await open();
    const notes = await notesOn(db);
    const [victim] = postgres().replicas;
    let reads = 0;
    let isOver = false;
    const reading = Promise.all(
      Array.from({ length: 4 }, async () => {
        for (; !isOver; reads++) expect(await notes.read()).toEqual(["first"]);
      }),
    );
    await eventually("reads are under way", async () => reads > 20);
    await victim?.kill9();
    const atDeath = reads;
    await eventually("reads go on", async () => reads > atDeath + 100);
    isOver = true;
    await reading;
  });
});

describe("what streams", () => {
  const MANY =
    "SELECT n, current_setting('in_hot_standby') = 'on' AS standby FROM generate_series(1, 10000) n";

  test("a cursor reads from one replica, and the connection goes back when it is closed", async () => {
    const { db, routes } = await open();
    const client = await db.connect();
    routes.length = 0;
    const cursor = client.query(new Cursor(MANY));
    let rows: { n: number; standby: boolean }[] = [];
    for (;;) {
      const some = await cursor.read(1000);
      if (some.length === 0) break;
      rows = [...rows, ...some];
    }
    await cursor.close();
    expect([rows.length, rows.at(-1)]).toEqual([10_000, { n: 10_000, standby: true }]);
    await client.query("INSERT INTO notes VALUES ('after')");
    client.release();
    expect(routes.map(({ role }) => role)).toEqual(["replica", "primary"]);
    expect(db.idleCount).toBe(db.totalCount);
  });

  test("a cursor that is closed early gives its connection back too", async () => {
    const { db } = await open();
    const client = await db.connect();
    const cursor = client.query(new Cursor(MANY));
    expect(await cursor.read(10)).toHaveLength(10);
    await cursor.close();
    client.release();
    await eventually("nothing is lent", async () => db.idleCount === db.totalCount);
    expect(db.stats().nodes.every(({ inFlight }) => inFlight === 0)).toBe(true);
  });

  test("a stream reads from a replica, and a write on the same client goes to the primary", async () => {
    const { db, routes } = await open();
    const client = await db.connect();
    routes.length = 0;
    let rows = 0;
    for await (const row of client.query(new QueryStream(MANY))) {
      expect(row.standby).toBe(true);
      rows++;
    }
    expect(rows).toBe(10_000);
    await client.query("INSERT INTO notes VALUES ('after')");
    client.release();
    expect(routes.map(({ role }) => role)).toEqual(["replica", "primary"]);
    expect(db.idleCount).toBe(db.totalCount);
  });

  test("a stream whose statement is wrong fails, and its client goes on", async () => {
    const { db } = await open();
    const client = await db.connect();
    const stream = client.query(new QueryStream("SELECT nothing"));
    await expect(streamText(stream)).rejects.toMatchObject({ code: "42703" });
    expect((await client.query("SELECT 1 AS n")).rows).toEqual([{ n: 1 }]);
    client.release();
  });

  test("COPY writes on the primary and is read by its session", async () => {
    const { db, routes } = await open();
    for (const replica of postgres().replicas) await postgres().pauseReplay(replica);
    await db.run(async () => {
      const client = await db.connect();
      routes.length = 0;
      const lines = Array.from({ length: 1000 }, (_, n) => `note ${n}\n`);
      await pipeline(Readable.from(lines), client.query(copyFrom("COPY notes FROM STDIN")));
      expect(routes.map(({ role }) => role)).toEqual(["primary"]);
      const { rows } = await client.query("SELECT count(*)::int AS n FROM notes");
      expect(rows).toEqual([{ n: 1001 }]);
      const copied = await streamText(client.query(copyTo("COPY notes TO STDOUT")));
      expect(copied.split("\n")).toHaveLength(1002);
      client.release();
    });
    expect(db.idleCount).toBe(db.totalCount);
  });
});
