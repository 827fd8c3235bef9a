import pg from "pg";
import { describe, expect, test } from "vitest";
import { eventually } from "./eventually.ts";
import { startPostgres } from "./postgres-cluster.ts";
import type { PostgresNode } from "./postgres-node.ts";
import { useServers } from "./use-servers.ts";

const postgres = useServers(() => startPostgres({ replicas: 2 }));

/** A client as the code under test would have one: through the fault proxy. */
async function connect(
  node: PostgresNode,
  database = "postgres",
): Promise<pg.Client & AsyncDisposable> {
  const client = new pg.Client({ ...node.connection(database), connectionTimeoutMillis: 3000 });
  client.on("error", () => {});
  await client.connect();
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end().catch(() => {}) });
}

/** Whether `promise` settles before a control on the same server has run `rounds` queries. */
async function answersMeanwhile(
  promise: Promise<unknown>,
  control: PostgresNode,
  rounds = 20,
): Promise<boolean> {
  let settled = false;
  const note = (): void => {
    settled = true;
  };
  promise.then(note, note);
  for (let round = 0; round < rounds && !settled; round += 1) await control.query("SELECT 1");
  return settled;
}

async function table(): Promise<{
  database: string;
  primary: PostgresNode;
  replicas: PostgresNode[];
}> {
  const cluster = postgres();
  const database = await cluster.createDatabase();
  await cluster.primary.query("CREATE TABLE entry (id int PRIMARY KEY)", [], database);
  await cluster.caughtUp();
  return { database, primary: cluster.primary, replicas: [...cluster.replicas] };
}

async function countOn(node: PostgresNode, database: string): Promise<number> {
  const [row] = await node.query<{ count: number }>(
    "SELECT count(*)::int FROM entry",
    [],
    database,
  );
  return row?.count ?? -1;
}

describe("a server", () => {
  test("answers through its proxy and directly, on ports that survive a restart", async () => {
    const { primary } = postgres();
    const ports = [primary.direct.port, primary.via.port];
    await primary.restart();
    expect([primary.direct.port, primary.via.port]).toEqual(ports);
    await using client = await connect(primary);
    expect((await client.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
    expect(await primary.version()).toMatch(/^PostgreSQL 1\d/);
  });

  test("keeps what was committed over kill9, and drops its clients", async () => {
    const { database, primary } = await table();
    await using client = await connect(primary, database);
    await client.query("INSERT INTO entry VALUES (1)");
    const dropped = new Promise((resolve) => client.once("error", resolve));
    await primary.kill9();
    await dropped;
    await expect(connect(primary)).rejects.toThrow();
    await primary.start();
    expect(await countOn(primary, database)).toBe(1);
  });

  test("when paused answers neither an old connection nor a new one, until it resumes", async () => {
    const { primary, replicas } = postgres();
    const control = replicas[0] as PostgresNode;
    await using client = await connect(primary);
    await primary.pause();
    const old = client.query("SELECT 1 AS one");
    const fresh = connect(primary);
    expect(await answersMeanwhile(Promise.race([old, fresh]), control)).toBe(false);
    await primary.resume();
    expect((await old).rows).toEqual([{ one: 1 }]);
    await (await fresh).end();
  });

  test("when stopped politely tells its clients so", async () => {
    const { primary } = postgres();
    await using client = await connect(primary);
    const told = new Promise<Error & { code?: string }>((resolve) => client.once("error", resolve));
    await primary.stop();
    expect((await told).code).toBe("57P01");
    await primary.start();
  });
});

describe("the link to a server", () => {
  test("when stalled leaves a query without an answer, and delivers it when it opens", async () => {
    const { primary } = postgres();
    await using client = await connect(primary);
    primary.link.stall();
    const query = client.query("SELECT 1 AS one");
    expect(await answersMeanwhile(query, primary)).toBe(false);
    primary.link.open();
    expect((await query).rows).toEqual([{ one: 1 }]);
  });

  test("when it loses a reply leaves the client unsure of a write that happened", async () => {
    const { database, primary } = await table();
    await using client = await connect(primary, database);
    primary.link.stall("down");
    const write = client.query("INSERT INTO entry VALUES (1)").catch((error: Error) => error);
    await eventually("the write happened", async () => (await countOn(primary, database)) === 1);
    primary.link.resetAll();
    expect(await write).toBeInstanceOf(Error);
  });

  test("when refusing lets nobody new in", async () => {
    const { primary } = postgres();
    primary.link.refuse();
    await expect(connect(primary)).rejects.toThrow();
    primary.link.open();
    await using client = await connect(primary);
    expect((await client.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
  });
});

describe("replication", () => {
  test("brings a write to every replica, and refuses a write on one", async () => {
    const { database, primary, replicas } = await table();
    await primary.query("INSERT INTO entry VALUES (1)", [], database);
    await postgres().caughtUp();
    expect(await Promise.all(replicas.map((replica) => countOn(replica, database)))).toEqual([
      1, 1,
    ]);
    const write = (replicas[0] as PostgresNode).query("INSERT INTO entry VALUES (2)", [], database);
    await expect(write).rejects.toMatchObject({ code: "25006" });
  });

  test("with replay paused leaves one replica stale, until it resumes", async () => {
    const { database, primary, replicas } = await table();
    const [stale, fresh] = replicas as [PostgresNode, PostgresNode];
    await postgres().pauseReplay(stale);
    await primary.query("INSERT INTO entry VALUES (1)", [], database);
    await postgres().caughtUp([fresh]);
    expect([await countOn(fresh, database), await countOn(stale, database)]).toEqual([1, 0]);
    await postgres().resumeReplay(stale);
    await postgres().caughtUp([stale]);
    expect(await countOn(stale, database)).toBe(1);
  });

  test("with a replay delay shows a commit late on that replica alone", async () => {
    const { database, primary, replicas } = await table();
    const [late, fresh] = replicas as [PostgresNode, PostgresNode];
    await postgres().delayReplay(late, 60_000);
    await primary.query("INSERT INTO entry VALUES (1)", [], database);
    await postgres().caughtUp([fresh]);
    expect([await countOn(fresh, database), await countOn(late, database)]).toEqual([1, 0]);
    await postgres().delayReplay(late, 0);
    await postgres().caughtUp([late]);
    expect(await countOn(late, database)).toBe(1);
  });

  test("over a stalled replication link lags while both servers answer", async () => {
    const { database, primary, replicas } = await table();
    const [cut, fresh] = replicas as [PostgresNode, PostgresNode];
    cut.replication.stall();
    await primary.query("INSERT INTO entry VALUES (1)", [], database);
    await postgres().caughtUp([fresh]);
    expect(await countOn(cut, database)).toBe(0);
    cut.replication.open();
    await postgres().caughtUp([cut]);
    expect(await countOn(cut, database)).toBe(1);
  });

  test("made synchronous holds a commit until a replica has it", async () => {
    const { database, primary, replicas } = await table();
    await postgres().setSynchronous("*");
    await primary.query("INSERT INTO entry VALUES (1)", [], database);
    for (const replica of replicas) replica.replication.stall();
    await using client = await connect(primary, database);
    const commit = client.query("INSERT INTO entry VALUES (2)");
    expect(await answersMeanwhile(commit, primary)).toBe(false);
    for (const replica of replicas) replica.replication.open();
    await commit;
  });
});

describe("failover", () => {
  test("promotes a replica, which takes writes, and the other follows it", async () => {
    const { database, primary, replicas } = await table();
    const [next, other] = replicas as [PostgresNode, PostgresNode];
    await primary.kill9();
    await postgres().promote(next);
    expect(postgres().primary).toBe(next);
    await next.query("INSERT INTO entry VALUES (1)", [], database);
    await postgres().caughtUp([other]);
    expect(await countOn(other, database)).toBe(1);
  });

  test("leaves an old primary that comes back a second primary, until it rejoins", async () => {
    const { database, primary: old, replicas } = await table();
    await old.kill9();
    await postgres().promote(replicas[0] as PostgresNode);
    await old.start();
    await old.query("INSERT INTO entry VALUES (666)", [], database);
    await postgres().rejoin(old);
    expect(await countOn(old, database)).toBe(0);
    await expect(old.query("INSERT INTO entry VALUES (1)", [], database)).rejects.toMatchObject({
      code: "25006",
    });
  });

  test("addReplica clones the primary of the moment into one more replica", async () => {
    const { database, primary } = await table();
    await primary.query("INSERT INTO entry VALUES (1)", [], database);
    const before = postgres().replicas.length;
    const added = await postgres().addReplica();
    expect(postgres().replicas).toHaveLength(before + 1);
    expect(await countOn(added, database)).toBe(1);
  });
});

describe("between tests", () => {
  test("reset undoes every fault and drops the databases", async () => {
    const { database, primary, replicas } = await table();
    const [one, two] = replicas as [PostgresNode, PostgresNode];
    await postgres().setSynchronous("*");
    await postgres().pauseReplay(one);
    primary.link.refuse();
    two.replication.stall();
    await two.pause();
    await postgres().reset();
    await using client = await connect(primary);
    const { rows } = await client.query("SELECT datname FROM pg_database WHERE datname = $1", [
      database,
    ]);
    expect(rows).toEqual([]);
    await client.query("CREATE DATABASE after_reset");
    await postgres().caughtUp();
    await client.query("DROP DATABASE after_reset");
  });

  test("reset makes a follower of a replica that had more than the one that was promoted", async () => {
    const { database, primary, replicas } = await table();
    const [behind, ahead] = replicas as [PostgresNode, PostgresNode];
    behind.replication.stall();
    await primary.query("INSERT INTO entry SELECT generate_series(1, 1000)", [], database);
    await postgres().caughtUp([ahead]);
    await primary.kill9();
    await postgres().promote(behind);
    await postgres().reset();
    await behind.query("CREATE DATABASE after_reset");
    await postgres().caughtUp();
    const found = await ahead.query("SELECT 1 FROM pg_database WHERE datname = 'after_reset'");
    expect(found).toHaveLength(1);
    await behind.query("DROP DATABASE after_reset");
  });

  test("reset clears the settings that a promoted replica brought along", async () => {
    const [delayed] = postgres().replicas as [PostgresNode];
    await postgres().setSynchronous("*");
    await postgres().delayReplay(delayed, 60_000);
    await postgres().primary.kill9();
    await postgres().promote(delayed);
    await postgres().reset();
    const settings = await Promise.all(
      postgres().nodes.map((node) =>
        node.query(
          "SELECT setting FROM pg_settings WHERE name IN ('recovery_min_apply_delay', 'synchronous_standby_names')",
        ),
      ),
    );
    expect(new Set(settings.flat().map((row) => row["setting"]))).toEqual(new Set(["0", ""]));
    await postgres().createDatabase();
  });

  test.each([
    ["paused, killed, resumed", ["pause", "kill9", "resume"]],
    ["killed and paused", ["kill9", "pause"]],
    ["paused twice", ["pause", "pause"]],
    ["stopped while paused", ["pause", "stop"]],
  ] as const)("reset brings back a server that was %s", async (_, faults) => {
    const { primary } = postgres();
    for (const fault of faults) await primary[fault]();
    await postgres().reset();
    await using client = await connect(primary);
    expect((await client.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
  });
});
