/** What an application sees of a replica pool while replicas die, hang or lag. */

import { eventually, type PostgresNode, startPostgres, useServers } from "@headroom/harness";
import { describe, expect, test } from "vitest";
import { elementsOf, expectNoLeaks, Load } from "./replica-router-load.ts";
import { useRigs } from "./replica-router-rig.ts";

const postgres = useServers(() =>
  startPostgres({ replicas: 2, settings: { max_standby_streaming_delay: "100ms" } }),
);
const { prepared } = useRigs(postgres);

const replica = (index: number) => {
  const node = postgres().replicas[index];
  if (node === undefined) throw new Error(`there is no replica ${index}`);
  return node;
};

/** Nothing may be seen of it, whatever it is. */
const UNSEEN = {
  failedWrites: 0,
  unknownWrites: 0,
  failedReads: 0,
  staleReads: 0,
  lost: 0,
  denied: 0,
};

type Fault = () => Promise<void> | void;

function refuse({ link }: PostgresNode): void {
  link.refuse();
  link.resetAll();
}

async function both(fault: (node: PostgresNode) => Promise<void>): Promise<void> {
  await Promise.all(postgres().replicas.map(fault));
}

describe("nobody sees", () => {
  const faults: [string, Fault][] = [
    ["a replica killed", () => replica(0).kill9()],
    ["a replica that hangs", () => replica(0).pause()],
    ["a replica behind a link that stands still", () => replica(0).link.stall()],
    ["a replica whose answers do not come through", () => replica(0).link.stall("down")],
    ["a replica that refuses", () => refuse(replica(0))],
    ["both replicas killed", () => both((node) => node.kill9())],
    ["both replicas that hang", () => both((node) => node.pause())],
  ];
  test.each(faults)("%s, nor its return", async (title, fault) => {
    const { db, database } = await prepared();
    const load = new Load(db);
    await load.acknowledged(100);
    load.faultBegins();
    await fault();
    await load.acknowledged(300);
    await load.read(300);
    for (const node of postgres().replicas) {
      node.link.open();
      await node.start();
    }
    await eventually("both are back", () => {
      return db.stats().nodes.filter(({ role }) => role === "replica").length === 2;
    });
    await load.read(200);
    const account = await load.account(title, postgres().primary, database);
    expect(account).toMatchObject(UNSEEN);
    expect(account.slowestReadMs).toBeLessThan(1000);
    await expectNoLeaks(db);
  });
});

test("replicas that are killed and come back all the time", async () => {
  const { db, database } = await prepared();
  const load = new Load(db);
  load.faultBegins();
  for (let round = 0; round < 3; round++) {
    for (const node of postgres().replicas) {
      await load.acknowledged(50);
      await node.kill9();
      await load.read(50);
      await node.start();
    }
  }
  const account = await load.account("both in turn", postgres().primary, database);
  expect(account).toMatchObject(UNSEEN);
  await expectNoLeaks(db);
});

test("reads that replay cancels are read elsewhere", async () => {
  const { db, database, routes } = await prepared();
  const { primary } = postgres();
  // Declared stable, and so a read.
  const slow =
    "CREATE FUNCTION slowly() RETURNS int LANGUAGE sql STABLE AS 'SELECT 1 FROM pg_sleep(1.5)'";
  await primary.query(slow, [], database);
  await primary.query("INSERT INTO entry SELECT generate_series(1, 1000)", [], database);
  await postgres().caughtUp();
  await db.query("SELECT count(*) FROM entry");
  routes.length = 0;
  const reading = Promise.all(
    Array.from({ length: 4 }, () => db.query("SELECT count(*)::int AS n, slowly() FROM entry")),
  );
  await eventually("they run", () => routes.length === 4);
  await primary.query("DELETE FROM entry WHERE id > 500", [], database);
  await primary.query("VACUUM entry", [], database);
  for (const { rows } of await reading) expect([500, 1000]).toContain(rows[0].n);
  expect(db.stats().retries).toBeGreaterThanOrEqual(4);
  for (const node of postgres().replicas) {
    expect(await node.logs()).toContain("canceling statement due to conflict with recovery");
  }
  await expectNoLeaks(db);
});

describe("when all connections are in use", () => {
  const connection = { connectionTimeoutMillis: 300 };

  test("a write is told so in time, and the next one goes well", async () => {
    const { db, database } = await prepared({ max: 2, connection });
    const held = [await db.connect(), await db.connect()];
    for (const client of held) await client.query("BEGIN");
    const startedMs = performance.now();
    await expect(db.query("INSERT INTO entry VALUES (1)")).rejects.toMatchObject({
      code: "REPLICA_POOL_EXHAUSTED",
      retryable: true,
    });
    expect(performance.now() - startedMs).toBeLessThan(1500);
    for (const client of held) {
      await client.query("COMMIT");
      client.release();
    }
    await db.query("INSERT INTO entry VALUES (2)");
    expect(await elementsOf(postgres().primary, database)).toEqual([2]);
    await expectNoLeaks(db);
  });

  test("reads take another server, at last the primary", async () => {
    const { db, routes } = await prepared({ max: 1, connection });
    const held = await Promise.all(
      [0, 1].map(async () => {
        const client = await db.connect();
        await client.query("BEGIN READ ONLY");
        return client;
      }),
    );
    expect(new Set(routes.slice(-2).map(({ node }) => node)).size).toBe(2);
    await db.query("SELECT count(*) FROM entry");
    expect(routes.at(-1)).toMatchObject({ role: "primary", reason: "no-replica" });
    for (const client of held) client.release();
    await expectNoLeaks(db);
    await db.query("SELECT count(*) FROM entry");
    expect(routes.at(-1)).toMatchObject({ role: "replica" });
  });
});
