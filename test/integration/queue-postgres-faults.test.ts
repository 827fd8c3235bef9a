/** The queue on PostgreSQL: many processes at the start, broken connections, and what the server does. */

import { queueVacuum } from "@headroom/core/channels";
import { eventually, startPostgres, useServers } from "@headroom/harness";
import { migrations, postgresDriver } from "@headroom/queue/postgres";
import pg from "pg";
import { afterEach, describe, expect, test } from "vitest";
import { DONE, idsOf, newJob, Rig, settingsOf } from "./queue-postgres-rig.ts";

const postgres = useServers(() => startPostgres());
const rig = new Rig(() => postgres());
afterEach(() => rig.close());

const QUEUE = settingsOf("photos");
const CLAIM = { limit: 10, leaseMs: 60_000 };

describe("migrations", () => {
  test("ten processes that start at once make the tables once", async () => {
    const database = await rig.createDatabase();
    const drivers = Array.from({ length: 10 }, () => rig.driver(rig.pool(database, { max: 2 })));
    await Promise.all(drivers.map((driver, n) => driver.enqueue(QUEUE, [newJob(`job-${n}`)])));
    const [driver] = drivers;
    expect((await driver?.stats(QUEUE))?.ready).toBe(10);
    const pool = rig.pool(database);
    const { rows } = await pool.query("SELECT version, name FROM headroom_queue.migrations");
    expect(rows).toEqual([{ version: 1, name: "queue" }]);
  });

  test("may be run by hand, in another schema, again", async () => {
    const database = await rig.createDatabase();
    const pool = rig.pool(database);
    for (let times = 0; times < 2; times++) await pool.query(migrations("jobs_of_app"));
    const driver = rig.driver(pool, { schema: "jobs_of_app", migrate: false });
    await driver.enqueue(QUEUE, [newJob("a")]);
    expect(idsOf((await driver.claim(QUEUE, CLAIM)).jobs)).toEqual(["a"]);
    const { rows } = await pool.query(
      "SELECT nspname FROM pg_namespace WHERE nspname IN ('jobs_of_app', 'headroom_queue')",
    );
    expect(rows).toEqual([{ nspname: "jobs_of_app" }]);
  });

  test("a user who must not make tables uses those that are there", async () => {
    const database = await rig.createDatabase();
    const owner = rig.pool(database);
    await owner.query(migrations());
    await owner.query(`
      CREATE ROLE app_${database} LOGIN;
      GRANT USAGE ON SCHEMA headroom_queue TO app_${database};
      GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA headroom_queue TO app_${database};
      GRANT USAGE ON ALL SEQUENCES IN SCHEMA headroom_queue TO app_${database};`);
    const driver = rig.driver(rig.pool(database, { user: `app_${database}` }));
    await driver.enqueue(QUEUE, [newJob("a", { key: "k" })]);
    const { jobs } = await driver.claim(QUEUE, CLAIM);
    await driver.settle(
      QUEUE,
      jobs.map((job) => ({ job, verdict: DONE })),
    );
    expect(await driver.sweep(QUEUE)).toEqual({ recovered: 0, dead: [] });
  });
});

describe("telling", () => {
  test("a process hears of what another adds, at once; the notifications are few", async () => {
    const { driver, pool, database } = await rig.open({ pollMs: 3_600_000 });
    const told: number[] = [];
    const start = performance.now();
    const subscription = driver.subscribe(QUEUE, ["ready"], () => told.push(performance.now()));
    await subscription.ready;
    const client = new pg.Client(postgres().primary.connection(database));
    await client.connect();
    await client.query("LISTEN headroom_queue");
    let notifications = 0;
    client.on("notification", () => notifications++);
    const producer = rig.driver(pool, { migrate: false, notifyEveryMs: 100 });
    told.length = 0;
    for (let n = 0; n < 200; n++) await producer.enqueue(QUEUE, [newJob(`job-${n}`)]);
    await producer.close();
    await eventually("told", () => told.length > 0);
    const passedMs = performance.now() - start;
    await eventually("the last has arrived", () => notifications === told.length);
    expect(notifications).toBeLessThanOrEqual(2 + passedMs / 100);
    await client.end();
  });

  test("without a listener a poll finds it", async () => {
    const { driver, pool } = await rig.open({ listen: false, pollMs: 50 });
    let told = 0;
    await driver.subscribe(QUEUE, ["ready"], () => told++).ready;
    await eventually("it polls", () => told > 2);
    const { rows } = await pool.query(
      "SELECT count(*)::int AS n FROM pg_stat_activity WHERE query LIKE 'LISTEN%'",
    );
    expect(rows).toEqual([{ n: 0 }]);
  });

  test("ends are told while somebody waits for them, and not otherwise", async () => {
    const { driver, pool, database } = await rig.open();
    const other = rig.driver(pool, { migrate: false });
    const client = new pg.Client(postgres().primary.connection(database));
    await client.connect();
    await client.query("LISTEN headroom_queue");
    const payloads: string[] = [];
    client.on("notification", ({ payload = "" }) => payloads.push(payload));
    const work = async (id: string): Promise<void> => {
      await driver.enqueue(QUEUE, [newJob(id)]);
      const { jobs } = await driver.claim(QUEUE, CLAIM);
      await driver.settle(
        QUEUE,
        jobs.map((job) => ({ job, verdict: DONE })),
      );
    };
    await work("a");
    const told: unknown[] = [];
    await other.subscribe(QUEUE, ["ended"], (event) => told.push(event)).ready;
    await work("b");
    await eventually("told", () => told.length > 0);
    expect(told).toEqual([{ kind: "ended", id: "b" }]);
    expect(payloads.filter((payload) => payload.startsWith("ended"))).toHaveLength(1);
    await client.end();
  });

  test("a link that is half open is found in seconds, and listened on anew", async () => {
    const database = await rig.createDatabase();
    const { primary } = postgres();
    const direct = new pg.Pool(primary.connection(database, primary.direct));
    const driver = postgresDriver(direct, {
      listen: () => new pg.Client(primary.connection(database)),
      pollMs: 3_600_000,
      checkEveryMs: 200,
    });
    let told = 0;
    await driver.subscribe(QUEUE, ["ready"], () => told++).ready;
    primary.link.stall();
    const other = postgresDriver(direct, { migrate: false });
    await other.enqueue(QUEUE, [newJob("a")]);
    const before = told;
    // The connections that hang are given up one after the other; the next one gets through.
    const { accepted } = primary.link.stats;
    await eventually("it connects anew", () => primary.link.stats.accepted > accepted);
    primary.link.open();
    await eventually("there may be jobs", () => told > before);
    const atRecovery = told;
    await eventually("it hears again", async () => {
      await other.enqueue(QUEUE, [newJob(`b-${performance.now()}`)]);
      return told > atRecovery;
    });
    await driver.close();
    await other.close();
    await direct.end();
  });
});

describe("the server", () => {
  test("terminated backends are errors that may be tried again, and the next call works", async () => {
    const { driver, pool, database } = await rig.open();
    await driver.enqueue(QUEUE, [newJob("a")]);
    await driver.subscribe(QUEUE, ["ready"], () => {}).ready;
    const lock = await pool.connect();
    lock.on("error", () => {});
    await lock.query("BEGIN; LOCK TABLE headroom_queue.jobs");
    const claiming = driver.claim(QUEUE, CLAIM).catch((error: unknown) => error);
    await eventually("the claim waits", async () => {
      const rows = await postgres().primary.query(
        "SELECT 1 FROM pg_stat_activity WHERE datname = $1 AND wait_event_type = 'Lock'",
        [database],
      );
      return rows.length > 0;
    });
    await postgres().primary.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1",
      [database],
    );
    expect(await claiming).toMatchObject({ code: "QUEUE_UNAVAILABLE", retryable: true });
    lock.release(true);
    expect(idsOf((await driver.claim(QUEUE, CLAIM)).jobs)).toEqual(["a"]);
  });

  test("a server that does not answer is an error by the deadline, and no connection is lost to it", async () => {
    const database = await rig.createDatabase();
    const pool = rig.pool(database, { max: 2 });
    const driver = rig.driver(pool, { timeoutMs: 500, listen: false });
    // The first statement makes the tables: that may take a moment.
    await rig.pool(database).query(migrations());
    await driver.enqueue(QUEUE, [newJob("a")]);
    postgres().primary.link.stall();
    for (let n = 0; n < 5; n++) {
      await expect(driver.claim(QUEUE, CLAIM)).rejects.toMatchObject({ code: "QUEUE_UNAVAILABLE" });
    }
    postgres().primary.link.open();
    const jobs: string[] = [];
    await eventually("it goes on", async () => {
      jobs.push(...idsOf((await driver.claim(QUEUE, CLAIM).catch(() => ({ jobs: [] }))).jobs));
      return jobs.length > 0 || (await driver.stats(QUEUE)).active > 0;
    });
    expect(pool.waitingCount).toBe(0);
  });

  test("a claim reads no more than it takes, however many wait and however many have gone", async () => {
    const { driver, pool } = await rig.open();
    await driver.migrate();
    await pool.query(`
      SELECT * FROM headroom_queue.add_jobs('photos',
        (SELECT array_agg('job-' || n) FROM generate_series(1, 100000) AS n),
        array_fill('work'::text, ARRAY[100000]), array_fill('{}'::text, ARRAY[100000]), NULL, NULL,
        NULL, array_fill(3, ARRAY[100000]), NULL, NULL, NULL, NULL, NULL, NULL, false, NULL, false, NULL)`);
    await pool.query("ALTER TABLE headroom_queue.jobs SET (autovacuum_enabled = false)");
    await pool.query("ANALYZE headroom_queue.jobs");
    const { rows: plan } = await pool.query(`EXPLAIN SELECT ctid FROM headroom_queue.jobs
      WHERE queue_id = 1 AND state = 'ready' AND key IS NULL AND priority = 0 AND turn >= 0
      ORDER BY turn LIMIT 100 FOR UPDATE SKIP LOCKED`);
    expect(plan.map((row) => row["QUERY PLAN"]).join("\n")).toMatch(/Index Scan using jobs_ready/);
    const work = async (claims: number): Promise<void> => {
      let { jobs } = await driver.claim(QUEUE, { limit: 100, leaseMs: 60_000 });
      for (let n = 1; n < claims; n++) {
        const settlements = jobs.map((job) => ({ job, verdict: DONE }));
        const claim = { limit: 100, leaseMs: 60_000 };
        jobs = (await driver.settle(QUEUE, settlements, { claim })).claim?.jobs ?? [];
        expect(jobs).toHaveLength(100);
      }
    };
    // Nothing is vacuumed: what has gone is still in the index.
    await work(200);
    const pages = async (): Promise<number> => {
      const { rows } = await pool.query(`SELECT pg_stat_force_next_flush(),
        idx_blks_hit + idx_blks_read AS n FROM pg_statio_user_indexes WHERE indexrelname = 'jobs_ready'`);
      return Number(rows[0].n);
    };
    const scans = async (): Promise<number> => {
      const { rows } = await pool.query(`SELECT seq_scan FROM pg_stat_user_tables
        WHERE schemaname = 'headroom_queue' AND relname = 'jobs'`);
      return Number(rows[0].seq_scan);
    };
    const flushed = async (): Promise<number> => {
      // Each connection of the pool tells its figures when it is asked.
      await Promise.all(Array.from({ length: 10 }, () => pages()));
      return pages();
    };
    const before = await flushed();
    const scansBefore = await scans();
    await work(50);
    expect(((await flushed()) - before) / 50).toBeLessThan(600);
    expect(await scans()).toBe(scansBefore);
  });

  test("a transaction that is open for long is told of", async () => {
    const { driver, pool } = await rig.open({ oldTransactionMs: 1 });
    const client = await pool.connect();
    await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ");
    await client.query("SELECT 1 FROM pg_class LIMIT 1");
    const told: unknown[] = [];
    const unsubscribe = queueVacuum.subscribe((event) => told.push(event));
    await driver.sweep(QUEUE);
    unsubscribe();
    expect(told).toMatchObject([{ queue: "photos", system: "postgresql" }]);
    await client.query("COMMIT");
    client.release();
  });
});
