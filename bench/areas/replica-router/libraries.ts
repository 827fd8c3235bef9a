/**
 * Five ways to a primary and its replicas, each as its documentation has it, with its defaults. All
 * do the same: insert a row by id, and read one by id together with where it was read.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "@headroom/harness";
import { createReplicaPool, type ReplicaPoolOptions } from "@headroom/replica-router";
import { eq, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/node-postgres";
import { integer, pgTable, text, withReplicas } from "drizzle-orm/pg-core";
import pg from "pg";
import { DataTypes, type FindAttributeOptions, literal, Sequelize } from "sequelize";
import { DataSource, EntitySchema } from "typeorm";
import type { Server, Servers } from "./cluster.ts";

/** A row, and what the server that gave it says of `in_hot_standby`. */
export interface Read {
  readonly id: number;
  readonly standby: string;
}

/** Requests of one user, one after the other. */
export interface UserSession {
  request<Result>(work: () => Promise<Result>): Promise<Result>;
}

export interface Database {
  insert(id: number): Promise<unknown>;
  /** Undefined when there is no such row. */
  read(id: number): Promise<Read | undefined | null>;
  openSession(): UserSession;
}

export type OpenDatabase = (servers: Servers, resources: AsyncDisposableStack) => Promise<Database>;

/** `in_hot_standby` is what a server reports of itself; a stable function, unlike pg_is_in_recovery(). */
const STANDBY = "current_setting('in_hot_standby')";
const INSERT = "INSERT INTO entry (id, name) VALUES ($1, 'new')";
const SELECT = `SELECT id, ${STANDBY} AS standby FROM entry WHERE id = $1`;

/** These know nothing of who asks. */
const NO_SESSIONS = { openSession: (): UserSession => ({ request: (work) => work() }) };

type Options = Partial<Pick<ReplicaPoolOptions, "wait">>;

/** Each request goes on with the token of the one before, as with the middleware. */
export const oursWith =
  (options: Options): OpenDatabase =>
  async ({ primary, replicas }, resources) => {
    const db = createReplicaPool({ pg, primary, replicas, ...options });
    closing(resources, () => db.end());
    db.on("error", () => {});
    await eventually("all servers are known", async () =>
      db.stats().nodes.every(({ role }) => role !== "unknown"),
    );
    return {
      insert: (id) => db.query(INSERT, [id]),
      read: async (id) => (await db.query<Read>(SELECT, [id])).rows[0],
      openSession: () => {
        let token: string | undefined;
        return {
          request: (work) =>
            db.run(token, async () => {
              const result = await work();
              token = await db.session.token();
              return result;
            }),
        };
      },
    };
  };

export const ours = oursWith({});

/** Writes to the pool of the primary, reads to those of the replicas in turn. */
export const poolsInTurn: OpenDatabase = async ({ primary, replicas }, resources) => {
  const writer = openPool(primary, resources);
  const readers = replicas.map((server) => openPool(server, resources));
  let reads = 0;
  return {
    ...NO_SESSIONS,
    insert: (id) => writer.query(INSERT, [id]),
    read: async (id) => {
      const pool = readers[reads++ % readers.length] ?? writer;
      return (await pool.query<Read>(SELECT, [id])).rows[0];
    },
  };
};

const drizzleEntry = pgTable("entry", { id: integer().primaryKey(), name: text() });

export const drizzleReplicas: OpenDatabase = async ({ primary, replicas }, resources) => {
  const open = (server: Server) => drizzle({ client: openPool(server, resources) });
  const [first, ...rest] = replicas.map(open);
  if (first === undefined) throw new Error("there is no replica");
  const db = withReplicas(open(primary), [first, ...rest]);
  return {
    ...NO_SESSIONS,
    insert: (id) => db.insert(drizzleEntry).values({ id, name: "new" }),
    read: async (id) => {
      const fields = { id: drizzleEntry.id, standby: sql<string>`${sql.raw(STANDBY)}` };
      return (await db.select(fields).from(drizzleEntry).where(eq(drizzleEntry.id, id)))[0];
    },
  };
};

export const sequelize: OpenDatabase = async ({ primary, replicas }, resources) => {
  const named = ({ user, ...server }: Server) => ({ ...server, username: user });
  const db = new Sequelize({
    dialect: "postgres",
    logging: false,
    replication: { write: named(primary), read: replicas.map(named) },
    // As many connections as the others have: one pool is for all replicas.
    pool: { max: 10 * replicas.length },
  });
  closing(resources, () => db.close());
  const entry = db.define(
    "entry",
    { id: { type: DataTypes.INTEGER, primaryKey: true }, name: DataTypes.TEXT },
    { timestamps: false, freezeTableName: true },
  );
  return {
    ...NO_SESSIONS,
    insert: (id) => entry.create({ id, name: "new" }),
    read: async (id) => {
      const attributes: FindAttributeOptions = ["id", [literal(STANDBY), "standby"]];
      return (await entry.findOne({ attributes, where: { id }, raw: true })) as unknown as Read;
    },
  };
};

const typeormEntry = new EntitySchema<{ id: number; name: string }>({
  name: "entry",
  columns: { id: { type: "int", primary: true }, name: { type: "text" } },
});

export const typeorm: OpenDatabase = async ({ primary, replicas }, resources) => {
  const named = ({ user, ...server }: Server) => ({ ...server, username: user });
  const db = new DataSource({
    type: "postgres",
    entities: [typeormEntry],
    replication: { master: named(primary), slaves: replicas.map(named) },
    poolErrorHandler: () => {},
  });
  await db.initialize();
  closing(resources, () => db.destroy());
  const entries = db.getRepository(typeormEntry);
  return {
    ...NO_SESSIONS,
    insert: (id) => entries.insert({ id, name: "new" }),
    read: (id) =>
      entries
        .createQueryBuilder("entry")
        .select("entry.id", "id")
        .addSelect(STANDBY, "standby")
        .where("entry.id = :id", { id })
        .getRawOne<Read>(),
  };
};

function openPool(server: Server, resources: AsyncDisposableStack): pg.Pool {
  const pool = new pg.Pool(server);
  // Without a listener the death of a server would end this process.
  pool.on("error", () => {});
  closing(resources, () => pool.end());
  return pool;
}

const CLOSES_WITHIN_MS = 1000;

/** Some take their leave of a server that will never answer, and wait for it. */
function closing(resources: AsyncDisposableStack, close: () => Promise<unknown>): void {
  resources.defer(async () => {
    await Promise.race([close().catch(() => {}), sleep(CLOSES_WITHIN_MS)]);
  });
}
