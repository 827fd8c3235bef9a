/**
 * PostgreSQL is killed, replaced, held up and made read-only, under producers and workers. What it has
 * acknowledged is done; a commit that a standby had not received is counted as lost, and nothing else.
 */

import {
  eventually,
  type PostgresCluster,
  type PostgresNode,
  startPostgres,
  startRedis,
  testSeed,
  useServers,
} from "@headroom/harness";
import pg from "pg";
import { afterEach, describe, expect, onTestFinished, test } from "vitest";
import { FaultRig, indexesIn, keysOf, LEASE_MS, postgresServer, wait } from "./queue-fault-rig.ts";

const single = useServers(() => startPostgres());
const replicated = useServers(() => startPostgres({ replicas: 1 }));
const ledger = useServers(() => startRedis());
testSeed();

let rig: FaultRig | undefined;
afterEach(async () => {
  await rig?.close();
  rig = undefined;
});

interface Started {
  readonly started: FaultRig;
  readonly server: PostgresNode;
  readonly database: string;
}

async function start(cluster: PostgresCluster): Promise<Started> {
  const server = cluster.primary;
  const database = await cluster.createDatabase();
  rig = new FaultRig(await postgresServer(server, database), ledger().primary.direct);
  return { started: rig, server, database };
}

const IN_ORDER = { lost: [], unexpected: [], outOfOrder: 0 } as const;
const CONCURRENCY = 20;
const ROWS = 4;

describe("the server dies", () => {
  test("kill -9 under load: nothing is lost, and work goes on at once", async () => {
    const { started, server } = await start(single());
    const workers = await Promise.all([started.worker(), started.worker()]);
    const begun = (): number => workers.reduce((sum, each) => sum + each.count("started"), 0);
    const adding = started.producer(ROWS, { key: keysOf(100) });
    await started.reaches(200);
    await server.kill9();
    await wait(500);
    const before = begun();
    await server.start();
    const backMs = performance.now();
    await eventually("a job is begun", () => begun() > before);
    const firstJobMs = Math.round(performance.now() - backMs);
    const acked = started.acknowledged;
    await eventually("jobs are added", () => started.acknowledged > acked + 50);
    await adding.end();
    await started.drained();
    const account = await started.account("kill -9", { firstJobMs });
    expect(account).toMatchObject(IN_ORDER);
    expect(firstJobMs).toBeLessThan(2_000);
    expect(account.duplicates).toBeLessThanOrEqual(2 * CONCURRENCY);
  });

  test.each([
    ["synchronous", "*"],
    ["asynchronous", ""],
  ])(
    "a standby takes over, %s: what it had not received is lost, and nothing more",
    async (name, standbys) => {
      const { started, server, database } = await start(replicated());
      const [standby] = replicated().replicas;
      if (standby === undefined) throw new Error("no standby");
      await replicated().setSynchronous(standbys);
      await Promise.all([started.worker({ jobMs: 50 }), started.worker({ jobMs: 50 })]);
      await started.add(400, { key: keysOf(100) });
      await started.reaches(50);
      // Those that wait for a standby are not acknowledged from here.
      standby.replication.stall();
      await started.add(50, { key: keysOf(100) });
      await server.kill9();
      await replicated().promote(standby);
      await standby.configure({ synchronous_standby_names: "" });
      const before = new Set((await started.effects()).map(({ index }) => index));
      const sql = "SELECT body FROM headroom_queue.jobs";
      const rows = await standby.query<{ body: string }>(sql, [], database);
      const known = indexesIn(rows.map(({ body }) => body));
      server.link.retarget(standby.direct);
      onTestFinished(() => server.link.retarget(server.direct));
      await eventually("jobs are added", async () => {
        const acked = started.acknowledged;
        await started.add(10, { key: keysOf(100) });
        return started.acknowledged > acked;
      });
      await started.drained();
      const account = await started.account(`a standby takes over, ${name}`, { known: known.size });
      const gone = started
        .acknowledgedBefore(450)
        .filter((at) => !known.has(at) && !before.has(at));
      expect(account.lost).toEqual(gone);
      expect(account.lost.length > 0).toBe(standbys === "");
      expect(account).toMatchObject({ unexpected: [], outOfOrder: 0 });
      // The standby did not know that they were done.
      expect(account.repeated.filter((index) => !known.has(index))).toEqual([]);
    },
  );
});

describe("the server suffers", () => {
  test("all backends are terminated again and again", async () => {
    const { started, server, database } = await start(single());
    await Promise.all([started.worker(), started.worker()]);
    const adding = started.producer(ROWS, { key: keysOf(100) });
    await started.reaches(50);
    for (let times = 0; times < 8; times++) {
      await server.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1",
        [database],
      );
      await started.reaches((await started.effectCount()) + 30);
    }
    await adding.end();
    await started.drained();
    const account = await started.account("backends terminated × 8");
    expect(account).toMatchObject({ ...IN_ORDER, duplicates: 0 });
  });

  test("a transaction that stays open holds up nobody, and its jobs come with its commit", async () => {
    const { started, server, database } = await start(single());
    await Promise.all([started.worker(), started.worker()]);
    const client = new pg.Client(server.connection(database));
    await client.connect();
    await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ");
    await started.add(20, { key: keysOf(20), tx: client });
    const beganMs = performance.now();
    const adding = started.producer(ROWS, { key: (index) => `other-${index % 100}` });
    await started.reaches(300);
    await wait(beganMs + 2 * LEASE_MS - performance.now());
    await adding.end();
    await started.drained();
    const early = (await started.effects()).filter(({ index }) => index < 20);
    const idleMs = Math.round(performance.now() - beganMs);
    await client.query("COMMIT");
    await client.end();
    await started.drained();
    const account = await started.account("idle in transaction", { idleMs });
    expect(early).toEqual([]);
    expect(account).toMatchObject({ ...IN_ORDER, duplicates: 0, highestAttempt: 1 });
  });

  test("it is read-only for a moment: adding is refused, and all goes on afterwards", async () => {
    const { started, server } = await start(single());
    await Promise.all([started.worker(), started.worker()]);
    await started.add(50, { key: keysOf(100) });
    await started.reaches(50);
    onTestFinished(() => server.configure({ default_transaction_read_only: "off" }));
    await server.configure({ default_transaction_read_only: "on" });
    await eventually("adding is refused", async () => {
      await started.add(1);
      return started.refusals.length > 0;
    });
    await started.add(20);
    await wait(LEASE_MS);
    await server.configure({ default_transaction_read_only: "off" });
    await eventually("adding works", async () => {
      const acked = started.acknowledged;
      await started.add(1);
      return started.acknowledged > acked;
    });
    await started.add(50, { key: keysOf(100) });
    await started.drained();
    const account = await started.account("read-only", { refused: started.refusals.length });
    expect(account).toMatchObject({ ...IN_ORDER, recovered: [] });
    expect(new Set(started.refusals)).toEqual(new Set(["QUEUE_UNAVAILABLE"]));
    expect(account.duplicates).toBeLessThanOrEqual(2 * CONCURRENCY);
  });

  test.each([
    ["and heals", () => {}],
    ["and is reset", (server: PostgresNode) => server.link.resetAll()],
  ])("a link on which nothing passes for two leases %s", async (name, heal) => {
    const { started, server } = await start(single());
    await Promise.all([started.worker(), started.worker()]);
    const adding = started.producer(ROWS, { key: keysOf(100) });
    await started.reaches(50);
    server.link.stall();
    await wait(2 * LEASE_MS);
    heal(server);
    server.link.open();
    const overMs = performance.now();
    await started.reaches((await started.effectCount()) + 2 * CONCURRENCY + 1);
    const againMs = Math.round(performance.now() - overMs);
    await adding.end();
    await started.drained();
    const account = await started.account(`stalled link ${name}`, { againMs });
    expect(account).toMatchObject(IN_ORDER);
    // What was under way when it broke.
    expect(account.duplicates).toBeLessThanOrEqual(2 * CONCURRENCY);
  });
});
