import { createManualClock } from "@headroom/core/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { FakePool, fakePostgres, serverError } from "../../test/fake-postgres.ts";
import type { RouteDecision } from "../routing/route-log.ts";
import { createReplicaPool } from "./replica-pool.ts";
import type { ReplicaPoolOptions } from "./replica-pool-options.ts";

interface Client {
  query(text: string): Promise<{ rows: { host: string }[] }>;
  release(): void;
}
interface Db {
  query(text: string | object): Promise<{ rows: { host: string }[] }>;
  connect(): Promise<Client>;
}

async function open(options: Partial<Omit<ReplicaPoolOptions, "pg">> = {}) {
  const clock = createManualClock();
  const { pg, server, config } = fakePostgres("a", "b", "c");
  const routes: RouteDecision[] = [];
  const pool = createReplicaPool({
    pg,
    clock,
    random: () => 0.5,
    primary: config("a"),
    replicas: [config("b"), config("c")],
    onRoute: (route) => routes.push(route),
    ...options,
  });
  onTestFinished(async () => {
    const ending = pool.end();
    await clock.advance(20_000);
    await ending;
  });
  const db = pool as unknown as Db;
  await db.query("SELECT 1");
  await clock.advance(1);
  const asked = async (text: string | object) => (await db.query(text)).rows[0]?.host;
  routes.length = 0;
  return { clock, server, pool, db, asked, routes };
}

describe("a replica pool", () => {
  test("is the application's own kind of pool, and so are its views", async () => {
    const { pool } = await open();
    for (const each of [pool, pool.primary, pool.replica]) expect(each).toBeInstanceOf(FakePool);
  });

  test("sends reads to replicas in turn and writes to the primary", async () => {
    const { asked } = await open();
    const reads = [await asked("SELECT 1"), await asked("SELECT 2"), await asked("SELECT 3")];
    expect(new Set(reads)).toEqual(new Set(["b", "c"]));
    expect(await asked("INSERT INTO t VALUES (1)")).toBe("a");
    expect(await asked({ text: "SELECT 1", route: "primary" })).toBe("a");
  });

  test("reads what it wrote where that is known to be", async () => {
    const { asked, server, clock, routes } = await open();
    await asked("INSERT INTO t VALUES (1)");
    server("a").lsn = 0x2000n;
    expect(await asked("SELECT 1")).toBe("a");
    await clock.advance(20);
    expect(await asked("SELECT 1")).toBe("a");
    expect(routes.at(-1)).toMatchObject({ role: "primary", reason: "token-behind" });
    for (const host of ["b", "c"]) server(host).lsn = 0x2000n;
    await clock.advance(2000);
    expect(["b", "c"]).toContain(await asked("SELECT 1"));
  });

  test("gives a token for whoever goes on, and goes on with one", async () => {
    const { pool, asked, server, clock } = await open();
    server("a").lsn = 0x2000n;
    const token = await pool.run(async () => {
      await asked("INSERT INTO t VALUES (1)");
      return pool.session.token();
    });
    expect(token).toMatch(/^1\.7\.1\.2000\./);
    expect(await pool.run(token, () => asked("SELECT 1"))).toBe("a");
    expect(["b", "c"]).toContain(await pool.run("garbage", () => asked("SELECT 1")));
    server("b").lsn = 0x2000n;
    await clock.advance(2000);
    expect(await pool.run(token, () => asked("SELECT 1"))).toBe("b");
  });

  test("runs a refused read on the primary and remembers", async () => {
    const { asked, server, routes, pool } = await open();
    for (const host of ["b", "c"]) server(host).answer = () => serverError("25006");
    expect(await asked("SELECT sly()")).toBe("a");
    expect(routes.map(({ reason }) => reason)).toEqual(["read", "misrouted"]);
    expect(await asked("SELECT sly()")).toBe("a");
    expect(pool.stats().misrouted).toBe(1);
  });

  test("reads elsewhere when a server dies, down to the primary", async () => {
    const { asked, server } = await open();
    server("b").kill();
    for (let n = 0; n < 4; n++) expect(await asked("SELECT 1")).toBe("c");
    server("c").kill();
    expect(await asked("SELECT 1")).toBe("a");
  });

  test("does not repeat a write whose connection was lost", async () => {
    const { asked, server, clock } = await open();
    await asked("INSERT INTO t VALUES (1)");
    server("a").isHung = true;
    const lost = asked("INSERT INTO t VALUES (2)").catch((error) => error.code);
    await clock.advance(0);
    server("a").kill();
    expect(await lost).toBe("REPLICA_WRITE_OUTCOME_UNKNOWN");
  });

  test("writes to whoever was promoted, and not to the one who comes back", async () => {
    const { asked, server, clock, pool } = await open();
    server("a").kill();
    const writing = asked("INSERT INTO t VALUES (1)");
    await clock.advance(500);
    Object.assign(server("b"), { isStandby: false, timeline: 2, lsn: 0x3000n });
    await clock.advance(500);
    expect(await writing).toBe("b");
    server("a").isDown = false;
    server("a").heard = [];
    await clock.advance(60_000);
    for (let n = 0; n < 5; n++) expect(await asked("INSERT INTO t VALUES (2)")).toBe("b");
    expect(server("a").heard).toEqual([]);
    expect(pool.stats().nodes.map(({ role }) => role)).toEqual(["unknown", "primary", "replica"]);
  });

  test("says that nothing was sent when there is no primary in time", async () => {
    const { asked, server, clock } = await open({ failoverMs: 1000 });
    server("a").kill();
    const writing = asked("INSERT INTO t VALUES (1)").catch((error) => error);
    await clock.advance(1100);
    expect(await writing).toMatchObject({ code: "REPLICA_NO_PRIMARY", retryable: true });
  });

  test("cuts reads off servers that hang, and makes them elsewhere", async () => {
    const { asked, server, clock } = await open();
    for (const host of ["b", "c"]) server(host).isHung = true;
    const reading = asked("SELECT 1");
    await clock.advance(1000);
    expect(await reading).toBe("a");
  });
});

describe("a client", () => {
  test("keeps a transaction together and is free afterwards", async () => {
    const { db } = await open();
    const client = await db.connect();
    const where = async (text: string) => (await client.query(text)).rows[0]?.host;
    expect(["b", "c"]).toContain(await where("SELECT 1"));
    expect(await where("BEGIN")).toBe("a");
    expect(await where("SELECT 1")).toBe("a");
    await client.query("COMMIT");
    client.release();
  });

  test("rolls back what nobody has ended", async () => {
    const { db, server, pool } = await open();
    const client = await db.connect();
    await client.query("BEGIN");
    client.release();
    await db.query("INSERT INTO t VALUES (1)");
    expect(server("a").heard).toContain("ROLLBACK");
    expect(pool.stats().leakedTransactions).toBe(1);
  });
});
