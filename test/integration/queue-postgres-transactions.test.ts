/** Jobs that are added and completed in transactions of the application's, made in four ways. */

import { eventually, startPostgres, useServers } from "@headroom/harness";
import { memoryDriver } from "@headroom/queue";
import { outboxRelay, type PostgresDriver } from "@headroom/queue/postgres";
import { sql as drizzleSql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/node-postgres";
import knex from "knex";
import { Kysely, sql as kyselySql, PostgresDialect } from "kysely";
import type pg from "pg";
import { afterEach, describe, expect, test } from "vitest";
import { DONE, idsOf, newJob, Rig, settingsOf } from "./queue-postgres-rig.ts";

const postgres = useServers(() => startPostgres());
const rig = new Rig(() => postgres());
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  await rig.close();
});

const QUEUE = settingsOf("mail");
const INSERT = "INSERT INTO effects VALUES ('it')";
class Undo extends Error {}

/** Runs `work` in a transaction: it writes an effect, and is committed unless `work` throws. */
type InTransaction = (pool: pg.Pool, work: (tx: unknown) => Promise<unknown>) => Promise<unknown>;

const ways: readonly (readonly [string, InTransaction])[] = [
  [
    "pg",
    async (pool, work) => {
      const client = await pool.connect();
      try {
        await client.query("BEGIN");
        await client.query(INSERT);
        await work(client);
        const { command } = await client.query("COMMIT");
        if (command === "ROLLBACK") throw new Undo("the transaction had failed");
      } catch (error) {
        await client.query("ROLLBACK");
        throw error;
      } finally {
        client.release();
      }
    },
  ],
  [
    "Drizzle",
    (pool, work) =>
      drizzle(pool).transaction(async (tx) => {
        await tx.execute(drizzleSql.raw(INSERT));
        await work(tx);
      }),
  ],
  [
    "Kysely",
    (pool, work) =>
      new Kysely({ dialect: new PostgresDialect({ pool }) }).transaction().execute(async (trx) => {
        await kyselySql.raw(INSERT).execute(trx);
        await work(trx);
      }),
  ],
  [
    "Knex",
    (pool, work) => {
      const { host, port, user, database } = pool.options;
      const orm = knex({
        client: "pg",
        connection: {
          host: host ?? "",
          port: port ?? 0,
          user: user ?? "",
          database: database ?? "",
        },
        pool: { min: 0, max: 2 },
      });
      closing.push(() => orm.destroy());
      return orm.transaction(async (trx) => {
        await trx.raw(INSERT);
        await work(trx);
      });
    },
  ],
];

async function open(): Promise<{
  driver: PostgresDriver;
  pool: pg.Pool;
  effects(): Promise<number>;
}> {
  const { driver, pool } = await rig.open();
  await pool.query("CREATE TABLE effects (text text)");
  const effects = async (): Promise<number> =>
    (await pool.query("SELECT count(*)::int AS n FROM effects")).rows[0].n;
  return { driver, pool, effects };
}

describe.each(ways)("%s", (_, inTransaction) => {
  test("committed: exactly one job; rolled back: none", async () => {
    const { driver, pool, effects } = await open();
    const odd = { quote: `'"?\\`, body: `{"text":"? $1 \\" {,}"}` };
    const work = (id: string) => (tx: unknown) =>
      driver.enqueue(
        QUEUE,
        [newJob(id, { body: odd.body, headers: { odd: odd.quote }, key: odd.quote })],
        { tx },
      );
    await inTransaction(pool, work("kept"));
    await expect(
      inTransaction(pool, async (tx) => {
        expect(await work("lost")(tx)).toEqual([{ outcome: "added", id: "lost" }]);
        throw new Undo();
      }),
    ).rejects.toThrow(Undo);
    const { jobs } = await driver.claim(QUEUE, { limit: 10, leaseMs: 60_000 });
    expect(jobs).toMatchObject([
      { id: "kept", body: odd.body, headers: { odd: odd.quote }, key: odd.quote },
    ]);
    expect(await effects()).toBe(1);
    expect(await driver.stats(QUEUE)).toMatchObject({ totals: { added: 1 } });
  });

  test("nobody gets the job before the commit", async () => {
    const { driver, pool } = await open();
    await inTransaction(pool, async (tx) => {
      await driver.enqueue(QUEUE, [newJob("a")], { tx });
      expect((await driver.claim(QUEUE, { limit: 10, leaseMs: 60_000 })).jobs).toEqual([]);
    });
    expect(idsOf((await driver.claim(QUEUE, { limit: 10, leaseMs: 60_000 })).jobs)).toEqual(["a"]);
  });

  test("a job is completed with its effect, or neither is", async () => {
    const { driver, pool, effects } = await open();
    await driver.enqueue(QUEUE, [newJob("a")]);
    const [job] = (await driver.claim(QUEUE, { limit: 1, leaseMs: 60_000 })).jobs;
    if (!job) throw new Error("no job");
    const complete = (tx: unknown) => driver.settle(QUEUE, [{ job, verdict: DONE }], { tx });
    await expect(
      inTransaction(pool, async (tx) => {
        await complete(tx);
        // The heartbeat goes on meanwhile, and waits for nobody.
        expect(await driver.extend(QUEUE, [job], 60_000)).toEqual(["extended"]);
        throw new Undo();
      }),
    ).rejects.toThrow(Undo);
    expect([await effects(), (await driver.stats(QUEUE)).active]).toEqual([0, 1]);
    await inTransaction(pool, complete);
    expect([await effects(), (await driver.stats(QUEUE)).active]).toEqual([1, 0]);
  });

  test("a lost lease makes the transaction fail, whoever catches the error", async () => {
    const { driver, pool, effects } = await open();
    await driver.enqueue(QUEUE, [newJob("a")]);
    const [job] = (await driver.claim(QUEUE, { limit: 1, leaseMs: 1 })).jobs;
    if (!job) throw new Error("no job");
    await eventually("it is another's", async () => {
      return (await driver.claim(QUEUE, { limit: 1, leaseMs: 60_000 })).jobs.length === 1;
    });
    let code: unknown;
    const caught = inTransaction(pool, async (tx) => {
      const settling = driver.settle(QUEUE, [{ job, verdict: DONE }], { tx });
      code = await settling.catch((error: { code: string }) => error.code);
    });
    await caught.catch(() => {});
    expect(code).toBe("QUEUE_LEASE_LOST");
    expect([await effects(), (await driver.stats(QUEUE)).active]).toEqual([0, 1]);
  });
});

test("what is no transaction is refused", async () => {
  const { driver, pool } = await open();
  const db = new Kysely({ dialect: new PostgresDialect({ pool }) });
  for (const tx of [pool, drizzle(pool), db, {}, null, "tx"]) {
    await expect(driver.enqueue(QUEUE, [newJob("a")], { tx })).rejects.toThrow(TypeError);
  }
  expect(await driver.stats(QUEUE)).toMatchObject({ ready: 0 });
});

test("a transaction that stays open holds up nobody", async () => {
  const { driver, pool } = await open();
  await driver.enqueue(QUEUE, [newJob("a", { key: "k" }), newJob("b", { key: "k" })]);
  const [a] = (await driver.claim(QUEUE, { limit: 5, leaseMs: 60_000 })).jobs;
  if (!a) throw new Error("no job");
  const client = await pool.connect();
  await client.query("BEGIN");
  await driver.enqueue(QUEUE, [newJob("c", { key: "k" }), newJob("d", { key: "other" })], {
    tx: client,
  });
  // With the key of the open transaction: added, settled and claimed.
  await driver.enqueue(QUEUE, [newJob("e", { key: "k" }), newJob("f", { key: "other" })]);
  const { claim } = await driver.settle(QUEUE, [{ job: a, verdict: DONE }], {
    claim: { limit: 5, leaseMs: 60_000 },
  });
  expect(idsOf(claim?.jobs ?? []).toSorted()).toEqual(["b", "f"]);
  await driver.sweep(QUEUE);
  await client.query("COMMIT");
  client.release();
  expect(await driver.stats(QUEUE)).toMatchObject({ ready: 3, active: 2 });
});

test("SQL adds jobs, also in a trigger", async () => {
  const { driver, pool } = await open();
  await driver.migrate();
  await pool.query(`
    CREATE FUNCTION on_effect() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      PERFORM headroom_queue.enqueue('mail', 'send', jsonb_build_object('text', NEW.text),
        priority => 2, dedup => NEW.text);
      RETURN NULL;
    END $$;
    CREATE TRIGGER effect AFTER INSERT ON effects FOR EACH ROW EXECUTE FUNCTION on_effect();
    INSERT INTO effects VALUES ('one'), ('one'), ('two');
    SELECT headroom_queue.wake('mail');
  `);
  const { jobs } = await driver.claim(QUEUE, { limit: 9, leaseMs: 1_000 });
  expect(jobs.map(({ body }) => JSON.parse(body))).toEqual([{ text: "one" }, { text: "two" }]);
  expect(jobs[0]).toMatchObject({ name: "send", priority: 2, maxAttempts: 5, headers: {} });
});

describe("the outbox relay", () => {
  const arrivedAt = (target: ReturnType<typeof memoryDriver>): string[] =>
    target.jobs("mail").map(({ id }) => id);

  test("forwards what was added in transactions, in order, with all that a job has", async () => {
    const { driver, pool } = await open();
    const target = memoryDriver();
    const client = await pool.connect();
    await client.query("BEGIN");
    const jobs = Array.from({ length: 50 }, (_, n) =>
      newJob(
        `job-${n}`,
        n % 2 === 0 ? { key: `k${n % 3}`, priority: 0, headers: { n: `${n}` } } : {},
      ),
    );
    for (const job of jobs) await driver.enqueue(QUEUE, [job], { tx: client });
    await client.query("COMMIT");
    client.release();
    await using relay = outboxRelay({ from: driver, to: target, queues: ["mail"], batch: 7 });
    await eventually("all have arrived", () => target.jobs("mail").length === 50);
    await relay.close();
    for (const wanted of ["k0", "k1", "k2", undefined]) {
      const numbers = target
        .jobs("mail")
        .filter(({ key }) => key === wanted)
        .map(({ id }) => Number(id.slice(4)));
      expect(numbers.length).toBeGreaterThan(0);
      expect(numbers).toEqual(numbers.toSorted((one, other) => one - other));
    }
    expect(target.jobs("mail").find(({ id }) => id === "job-4")).toMatchObject({
      headers: { n: "4" },
      key: "k1",
      attempts: 0,
      maxAttempts: 3,
    });
    expect(await driver.stats(QUEUE)).toMatchObject({ ready: 0, active: 0, dead: 0 });
  });

  test("ended between enqueue and settle, another forwards the batch again, and no job lives twice", async () => {
    const { driver, pool } = await open();
    const target = memoryDriver();
    await driver.enqueue(QUEUE, [newJob("a", { maxAttempts: 1 }), newJob("b"), newJob("c")]);
    let wasKilled = false;
    // The process that never comes to settle.
    const killed: PostgresDriver = Object.assign(Object.create(driver), {
      settle: () => {
        wasKilled = true;
        return new Promise<never>(() => {});
      },
      claimToForward: driver.claimToForward.bind(driver),
      subscribe: driver.subscribe.bind(driver),
      extend: driver.extend.bind(driver),
    });
    void outboxRelay({ from: killed, to: target, queues: ["mail"], batch: 2, leaseMs: 300 });
    await eventually("it has enqueued", () => wasKilled);
    expect(arrivedAt(target)).toEqual(["a", "b"]);
    const second = rig.driver(pool);
    await using _relay = outboxRelay({
      from: second,
      to: target,
      queues: ["mail"],
      batch: 2,
      leaseMs: 300,
    });
    await eventually("all have arrived", () => target.jobs("mail").length === 3);
    await eventually("all are forwarded", async () => {
      const { ready, active } = await driver.stats(QUEUE);
      return ready + active === 0;
    });
    expect(arrivedAt(target)).toEqual(["a", "b", "c"]);
    expect(await driver.stats(QUEUE)).toMatchObject({ dead: 0 });
  });

  test("what the target refuses is offered again, before anything else", async () => {
    const { driver } = await open();
    const target = memoryDriver();
    const bounded = { ...QUEUE, maxBacklog: 2 };
    await driver.enqueue(
      QUEUE,
      ["a", "b", "c", "d", "e"].map((id) => newJob(id)),
    );
    let fails = 2;
    const unsteady = {
      enqueue: ((...given) => {
        if (fails-- > 0) return Promise.reject(new Error("away"));
        return target.enqueue(...given);
      }) satisfies typeof target.enqueue,
    };
    const errors: unknown[] = [];
    await using _relay = outboxRelay({
      from: driver,
      to: unsteady,
      queues: [bounded],
      batch: 3,
      onError: (error) => errors.push(error),
    });
    const done: string[] = [];
    await eventually("all have arrived", async () => {
      const { jobs } = await target.claim(bounded, { limit: 1, leaseMs: 60_000 });
      done.push(...idsOf(jobs));
      await target.settle(
        bounded,
        jobs.map((job) => ({ job, verdict: DONE })),
      );
      return done.length === 5;
    });
    expect(done).toEqual(["a", "b", "c", "d", "e"]);
    expect(errors).toHaveLength(2);
  });
});
