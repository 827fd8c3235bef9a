/** What an application sees of a replica pool while the primary dies, hangs or is replaced. */

import { eventually, type PostgresNode, startPostgres, useServers } from "@headroom/harness";
import type { ReplicaPool } from "@headroom/replica-router";
import type pg from "pg";
import { describe, expect, test } from "vitest";
import { elementsOf, expectNoLeaks, Load } from "./replica-router-load.ts";
import { type RigOptions, useRigs } from "./replica-router-rig.ts";

const postgres = useServers(() => startPostgres({ replicas: 2 }));
const { open, prepared } = useRigs(postgres);

const WRITERS = 4;

/** What no fault of the primary may cause. */
const NEVER = { failedReads: 0, staleReads: 0, lost: 0, denied: 0 };

/** A load whose acknowledged writes are on the replica that is going to be the primary. */
async function loaded(options?: RigOptions) {
  const rig = await prepared(options);
  const { primary: old, replicas } = postgres();
  const [heir] = replicas;
  if (heir === undefined) throw new Error("there is no replica");
  await postgres().setSynchronous(heir.name);
  const load = new Load(rig.db, { writers: WRITERS });
  await load.acknowledged(100);
  return { ...rig, load, old, heir };
}

async function promoted(heir: PostgresNode, db: ReplicaPool<pg.Pool>): Promise<number> {
  await postgres().promote(heir);
  const sinceMs = performance.now();
  await eventually("the new primary is known", () => roleOf(db, heir) === "primary", {
    everyMs: 2,
  });
  return performance.now() - sinceMs;
}

function nodeOf(db: ReplicaPool<pg.Pool>, node: PostgresNode) {
  return db.stats().nodes.find(({ name }) => name === node.name);
}

function roleOf(db: ReplicaPool<pg.Pool>, node: PostgresNode): string | undefined {
  return nodeOf(db, node)?.role;
}

describe("the primary is replaced", () => {
  test("killed: nothing acknowledged is lost, and only writes under way are in doubt", async () => {
    const { db, database, load, old, heir } = await loaded();
    load.faultBegins();
    await old.kill9();
    const foundMs = await promoted(heir, db);
    console.log(`found ${foundMs.toFixed(0)} ms after its promotion`);
    expect(foundMs).toBeLessThan(1000);
    await load.acknowledged(200);
    const account = await load.account("primary killed, heir promoted", heir, database);
    expect(account).toMatchObject({ ...NEVER, failedWrites: 0 });
    expect(account.unknownWrites).toBeLessThanOrEqual(WRITERS);
    expect(account.writeOutageMs).toBeLessThan(5000);
    await expectNoLeaks(db);
  });

  test("it returns as it was: nobody writes to it, nor who connects only then", async () => {
    const { db, database, load, old, heir } = await loaded();
    load.faultBegins();
    await old.kill9();
    await promoted(heir, db);
    await load.acknowledged(50);
    await old.start();
    expect(await old.query("SELECT pg_is_in_recovery() AS r")).toEqual([{ r: false }]);
    // What was under way when it died may be there, acknowledged by nobody.
    const atItsReturn = await elementsOf(old, database);
    await eventually("it is seen", () => nodeOf(db, old)?.health === "healthy");
    await load.acknowledged(200);
    for (let n = 0; n < 10; n++) {
      const newcomer = await open(database);
      await newcomer.db.query("INSERT INTO entry VALUES ($1)", [1_000_000 + n]);
      expect(roleOf(newcomer.db, old)).toBe("unknown");
    }
    const account = await load.account("old primary returned", heir, database);
    expect(account).toMatchObject({ ...NEVER, failedWrites: 0 });
    expect(await elementsOf(old, database)).toEqual(atItsReturn);
    await expectNoLeaks(db);
  });

  test("it hangs, and goes on when another has taken its place: what it took is not acknowledged", async () => {
    const { db, database, load, old, heir } = await loaded();
    load.faultBegins();
    // A write that is under way for sure, and would be acknowledged: it waits for no standby.
    const client = await db.connect();
    await client.query("SET synchronous_commit = local");
    await old.pause();
    const hanging = client.query("INSERT INTO entry VALUES (-1)").catch((said) => said);
    await eventually("it is seen to hang", () => roleOf(db, old) === "unknown");
    await promoted(heir, db);
    await load.acknowledged(50);
    await old.resume();
    await eventually("it is seen", () => nodeOf(db, old)?.health === "healthy");
    await load.acknowledged(200);
    client.release();
    expect(await hanging).toMatchObject({ code: "REPLICA_WRITE_OUTCOME_UNKNOWN" });
    const account = await load.account("primary hung, replaced, back", heir, database);
    expect(account).toMatchObject({ ...NEVER, failedWrites: 0 });
    expect(account.unknownWrites).toBeLessThanOrEqual(WRITERS);
    await expectNoLeaks(db);
  });
});

describe("the primary stays", () => {
  test("it hangs for a second: nothing is lost, and nothing in doubt", async () => {
    const { db, database, load, old } = await loaded();
    load.faultBegins();
    await old.pause();
    await eventually("it is seen", () => roleOf(db, old) === "unknown");
    await new Promise((resolve) => setTimeout(resolve, 1000));
    await old.resume();
    await load.acknowledged(200);
    const account = await load.account("primary hung for a second", old, database);
    expect(account).toMatchObject({ ...NEVER, failedWrites: 0, unknownWrites: 0 });
    await expectNoLeaks(db);
  });

  test("it hangs for longer than hungMs: who waits is told so, and it goes on", async () => {
    const { db, database, load, old } = await loaded({ monitor: { hungMs: 500 } });
    load.faultBegins();
    await old.pause();
    await eventually("who waits is told", () => load.inDoubt > 0);
    await old.resume();
    await load.acknowledged(200);
    const account = await load.account("primary hung for longer", old, database);
    expect(account).toMatchObject({ ...NEVER, failedWrites: 0 });
    expect(account.unknownWrites).toBeLessThanOrEqual(WRITERS);
    await expectNoLeaks(db);
  });

  test("no primary within failoverMs: writes are told so in time, reads go on", async () => {
    const { db, database, load, old } = await loaded({ failoverMs: 600 });
    await old.kill9();
    const refused = await eventually("writes are refused", async () => {
      const startedMs = performance.now();
      const error = await db.query("INSERT INTO entry VALUES (-1)").catch((said) => said);
      return error.code === "REPLICA_NO_PRIMARY" && performance.now() - startedMs;
    });
    expect(refused).toBeLessThan(1500);
    await load.read(100);
    await load.stop();
    await old.start();
    await db.query("INSERT INTO entry VALUES (-2)");
    const account = await load.account("no primary", old, database);
    expect(account).toMatchObject({ staleReads: 0, lost: 0, denied: 0 });
    await expectNoLeaks(db);
  });

  test("it is restarted as it should be: nothing is lost", async () => {
    const { db, database, load, old } = await loaded();
    load.faultBegins();
    await old.restart();
    await load.acknowledged(200);
    const account = await load.account("primary restarted", old, database);
    expect(account).toMatchObject({ ...NEVER, failedWrites: 0 });
    expect(account.unknownWrites).toBeLessThanOrEqual(WRITERS);
    await expectNoLeaks(db);
  });
});

describe("a connection is lost", () => {
  test("inside of a transaction: it is undone, and nobody is in doubt", async () => {
    const { db, database } = await prepared();
    const { primary } = postgres();
    const failing = db.transaction(async (client) => {
      await client.query("INSERT INTO entry VALUES (1)");
      primary.link.resetAll();
      await client.query("INSERT INTO entry VALUES (2)");
    });
    const error = await failing.catch((said) => said);
    expect(error).toBeInstanceOf(Error);
    expect(error.code).not.toBe("REPLICA_WRITE_OUTCOME_UNKNOWN");
    expect(await elementsOf(primary, database)).toEqual([]);
    await db.query("INSERT INTO entry VALUES (3)");
    expect(await elementsOf(primary, database)).toEqual([3]);
    await expectNoLeaks(db);
  });

  test("at COMMIT: it may have happened, and it had", async () => {
    const { db, database } = await prepared();
    const { primary } = postgres();
    const client = await db.connect();
    await client.query("BEGIN");
    await client.query("INSERT INTO entry VALUES (1)");
    primary.link.stall("down");
    const committing = client.query("COMMIT").catch((said) => said);
    await eventually("it is committed", async () => {
      return (await elementsOf(primary, database)).length === 1;
    });
    primary.link.resetAll();
    primary.link.open();
    expect(await committing).toMatchObject({ code: "REPLICA_WRITE_OUTCOME_UNKNOWN" });
    client.release();
    expect((await db.query("SELECT id FROM entry")).rows).toEqual([{ id: 1 }]);
    await expectNoLeaks(db);
  });

  test("at a write of its own: it may have happened, and it is not sent again", async () => {
    const { db, database } = await prepared();
    const { primary } = postgres();
    await primary.query("CREATE TABLE log (id int)", [], database);
    await db.query("INSERT INTO entry VALUES (0)");
    primary.link.stall("down");
    const writing = db.query("INSERT INTO log VALUES (1)").catch((said) => said);
    await eventually("it is there", async () => {
      return (await primary.query("SELECT id FROM log", [], database)).length === 1;
    });
    primary.link.resetAll();
    primary.link.open();
    expect(await writing).toMatchObject({ code: "REPLICA_WRITE_OUTCOME_UNKNOWN" });
    await db.query("INSERT INTO entry VALUES (1)");
    expect((await db.query("SELECT id FROM log")).rows).toEqual([{ id: 1 }]);
    await expectNoLeaks(db);
  });

  test("a transaction whose primary has died is told at once, not when there is another", async () => {
    const { db } = await prepared();
    const { primary } = postgres();
    let startedMs = 0;
    const failing = db.transaction(async (client) => {
      await client.query("INSERT INTO entry VALUES (1)");
      await primary.kill9();
      startedMs = performance.now();
      await client.query("INSERT INTO entry VALUES (2)");
    });
    await expect(failing).rejects.toThrow();
    expect(performance.now() - startedMs).toBeLessThan(2000);
    await primary.start();
    await expectNoLeaks(db);
  });
});

describe("a server says that it is read-only", () => {
  test("inside of a transaction: the application is told, once", async () => {
    const { db, database, routes } = await prepared();
    const writing = db.transaction(
      async (client) => {
        await client.query("SELECT 1");
        await client.query("INSERT INTO entry VALUES (1)");
      },
      { readOnly: true },
    );
    await expect(writing).rejects.toMatchObject({ code: "25006" });
    expect(routes.at(-1)).toMatchObject({ role: "replica", kind: "begin" });
    expect(await elementsOf(postgres().primary, database)).toEqual([]);
    await expectNoLeaks(db);
  });

  test("the primary, of one transaction: others are not disturbed", async () => {
    const { db, database } = await prepared();
    const load = new Load(db, { writers: WRITERS });
    await load.acknowledged(50);
    for (let n = 0; n < 5; n++) {
      const client = await db.primary.connect();
      await client.query("BEGIN READ ONLY");
      await expect(client.query("INSERT INTO entry VALUES (-1)")).rejects.toMatchObject({
        code: "25006",
      });
      await client.query("ROLLBACK");
      client.release();
      await load.acknowledged(20);
    }
    const account = await load.account("read-only transactions", postgres().primary, database);
    expect(account).toMatchObject({ ...NEVER, failedWrites: 0, unknownWrites: 0 });
    await expectNoLeaks(db);
  });

  test("the primary, of all connections: writes are told so, and nothing else is disturbed", async () => {
    const { db, database } = await prepared();
    await postgres().primary.query(
      `ALTER DATABASE ${database} SET default_transaction_read_only = on`,
    );
    const second = await open(database);
    await expect(second.db.query("INSERT INTO entry VALUES (1)")).rejects.toMatchObject({
      code: "25006",
    });
    expect((await second.db.primary.query("SELECT count(*)::int AS n FROM entry")).rows).toEqual([
      { n: 0 },
    ]);
    await expectNoLeaks(db);
    await expectNoLeaks(second.db);
  });
});
