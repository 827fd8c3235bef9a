import { type Cache, createCache } from "@headroom/cache";
import { type PostgresInvalidator, postgresInvalidator } from "@headroom/cache/postgres";
import { eventually, startPostgres, useServers } from "@headroom/harness";
import pg from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";

/** Rows are changed by hand, and the copy of a process that knows nothing of it goes. */

const postgres = useServers(() => startPostgres());

let database: string;
let pool: pg.Pool;
let cache: Cache;
let invalidator: PostgresInvalidator;
let errors: unknown[];

function open() {
  const definition = cache.define<string, string | null>("user", {
    load: async (id) => {
      const { rows } = await pool.query("SELECT name FROM users WHERE id = $1", [id]);
      return rows[0]?.name ?? null;
    },
    ttlMs: 600_000,
  });
  invalidator = postgresInvalidator({
    cache,
    connect: () => {
      const client = new pg.Client(postgres().primary.connection(database));
      return client;
    },
    tables: [
      {
        table: "users",
        key: ["id"],
        invalidate: [{ definition, ids: ([id]) => [id] }],
        tags: () => ["all"],
      },
    ],
    checkEveryMs: 500,
    onError: (reason) => errors.push(reason),
  });
  return definition;
}

/** The listener's connection is there; what it clears at its beginning has been cleared. */
async function listening(): Promise<void> {
  await eventually("the invalidator listens", async () => {
    const { rows } = await pool.query(
      "SELECT FROM pg_stat_activity WHERE datname = $1 AND query LIKE 'LISTEN%' AND state = 'idle'",
      [database],
    );
    return rows.length > 0;
  });
}

beforeEach(async () => {
  errors = [];
  database = await postgres().createDatabase();
  pool = new pg.Pool(postgres().primary.connection(database));
  pool.on("error", () => {});
  await pool.query(`CREATE TABLE users (id text PRIMARY KEY, name text);
    INSERT INTO users VALUES ('1', 'Ada'), ('2', 'Grace'), ('it''s', 'Edsger')`);
  cache = createCache();
});

afterEach(async () => {
  await invalidator.close();
  await cache.close();
  await pool.end();
});

test("an update, a delete, a new key and a truncate are followed; a rollback and other rows are not", async () => {
  const users = open();
  await invalidator.install(pool);
  await invalidator.install(pool); // any number of processes may
  await listening();
  for (const id of ["1", "2", "it's"]) await users.get(id);

  await pool.query("BEGIN; UPDATE users SET name = 'nobody' WHERE id = '2'; ROLLBACK");
  await pool.query("UPDATE users SET name = 'Ada Lovelace' WHERE id = '1'");
  await eventually("the copy is gone", () => users.peek("1") === undefined);
  expect(await users.get("1")).toBe("Ada Lovelace");
  expect(users.peek("2")).toBe("Grace");

  await pool.query("UPDATE users SET id = '3' WHERE id = 'it''s'");
  await eventually("the copy is gone", () => users.peek("it's") === undefined);
  expect(await users.get("it's")).toBeNull();
  expect(await users.get("3")).toBe("Edsger");

  await pool.query("DELETE FROM users WHERE id = '2'");
  await eventually("the copy is gone", () => users.peek("2") === undefined);
  await pool.query("TRUNCATE users");
  await eventually(
    "the copy is gone",
    () => users.peek("1") === undefined && users.peek("3") === undefined,
  );
});

test("what changed while the connection was gone is not served after it is back", async () => {
  const users = open();
  await invalidator.install(pool);
  await listening();
  await users.get("1");
  postgres().primary.link.refuse();
  postgres().primary.link.resetAll();
  await postgres().primary.query("UPDATE users SET name = 'changed' WHERE id = '1'", [], database);
  expect(users.peek("1")).toBe("Ada");
  postgres().primary.link.open();
  await eventually("the copy is gone", () => users.peek("1") === undefined);
  expect(await users.get("1")).toBe("changed");
  expect(errors.length).toBeGreaterThan(0);
});

test("a key too long for a notification clears the whole definition", async () => {
  const users = open();
  await invalidator.install(pool);
  await listening();
  await users.get("1");
  await pool.query("ALTER TABLE users DROP CONSTRAINT users_pkey");
  await pool.query("INSERT INTO users VALUES ($1, 'long')", ["é".repeat(4_000)]);
  await eventually("the copy is gone", () => users.peek("1") === undefined);
});

test("a table that does not exist is an error", async () => {
  open();
  await pool.query("DROP TABLE users");
  await expect(invalidator.install(pool)).rejects.toThrow(/there is no table "users"/);
});
