import { describe, expect, test } from "vitest";
import { knownCluster, threeServers } from "../../test/fake-cluster.ts";
import { sqlError } from "../../test/fake-postgres.ts";
import { SessionScope } from "../session/session-scope.ts";
import type { Seat } from "./seat.ts";

const READ = "SELECT count(*) FROM notes";
const WRITE = "INSERT INTO notes VALUES (1)";

const lost = (): Error => new Error("Connection terminated unexpectedly");

async function start(options?: Parameters<typeof knownCluster>[1]) {
  const [p, a, b] = threeServers();
  return { p, a, b, ...(await knownCluster([p, a, b], options)) };
}

describe("where statements go", () => {
  test("reads to replicas in turn, writes to the primary", async () => {
    const { p, a, b, run, routes } = await start();
    for (let n = 0; n < 4; n++) await run(READ);
    await run(WRITE);
    expect([a.ran.length, b.ran.length]).toEqual([2, 2]);
    expect(p.ran.filter((text) => text === WRITE)).toHaveLength(1);
    expect(routes.at(-1)).toMatchObject({ node: "p", kind: "write", reason: "write" });
  });

  test("what is hinted at the primary goes there", async () => {
    const { run, routes } = await start();
    await run(READ, undefined, "primary");
    expect(routes).toMatchObject([{ node: "p", reason: "hint" }]);
  });

  test("what a replica refuses runs on the primary, and is learnt", async () => {
    const { p, a, b, run, misrouted, router } = await start();
    a.answer = () => sqlError("25006");
    b.answer = a.answer;
    p.answer = () => [{ n: 1 }];
    expect((await run(READ)).rows).toEqual([{ n: 1 }]);
    expect([misrouted, router.counts.misrouted]).toEqual([[READ], 1]);
  });

  test("where it fails on the primary as well it is not learnt", async () => {
    const { p, a, b, run, misrouted } = await start();
    for (const server of [p, a, b]) server.answer = () => sqlError("0A000");
    await expect(run(READ)).rejects.toMatchObject({ code: "0A000" });
    expect(misrouted).toEqual([]);
  });
});

describe("reads are made elsewhere", () => {
  test.each([
    ["the connection is lost", lost],
    ["replay cancels it", () => sqlError("40001")],
  ])("when %s", async (_, failure) => {
    const { p, a, b, run, routes, router } = await start();
    a.answer = failure;
    b.answer = failure;
    p.answer = () => [{ n: 1 }];
    expect((await run(READ)).rows).toEqual([{ n: 1 }]);
    expect(routes.map(({ node }) => node)).toEqual(["a", "b", "p"]);
    expect(router.counts.retries).toBe(2);
  });

  test("when a server hangs, after one look", async () => {
    const { a, clock, run, routes, monitor } = await start();
    await run(READ);
    routes.length = 0;
    await run(READ);
    a.state = "hung";
    const reads = [run(READ), run(READ)];
    monitor.busy();
    await clock.advance(100 + 220 + 50);
    await Promise.all(reads);
    expect(clock.monotonicNow()).toBeLessThanOrEqual(400);
  });

  test("not for the statement's own mistake", async () => {
    const { a, b, run, routes } = await start();
    a.answer = () => sqlError("42703");
    b.answer = a.answer;
    await expect(run(READ)).rejects.toMatchObject({ code: "42703" });
    expect(routes).toHaveLength(1);
  });

  test("not on a primary that cancels it: 40001 there is the transaction's", async () => {
    const { p, run, routes } = await start();
    p.answer = (text) => (text === READ ? sqlError("40001") : []);
    await expect(run(READ, undefined, "primary")).rejects.toMatchObject({ code: "40001" });
    expect(routes).toHaveLength(1);
  });

  test("until failoverMs, when there is nobody", async () => {
    const { p, a, b, clock, run } = await start({ settings: { failoverMs: 500 } });
    for (const server of [p, a, b]) server.kill();
    const reading = run(READ).catch((error) => error);
    await clock.advance(2000);
    expect((await reading).code).toMatch(/^(REPLICA_UNAVAILABLE|ECONNREFUSED)$/);
  });
});

describe("writes", () => {
  test("wait for a primary, and for no longer than failoverMs", async () => {
    const { p, a, clock, run } = await start({ settings: { failoverMs: 500 } });
    p.kill();
    const failing = run(WRITE).catch((error) => error);
    await clock.advance(2000);
    expect(await failing).toMatchObject({ code: "REPLICA_NO_PRIMARY", retryable: true });
    const writing = run(WRITE);
    await clock.advance(100);
    a.promote();
    await clock.advance(400);
    await writing;
    expect(a.ran).toContain(WRITE);
  });

  test("that were sent and not answered are not sent again", async () => {
    const { p, a, clock, run } = await start();
    p.gate = async (text, what) => {
      if (text === WRITE && what === "answers") p.kill();
    };
    const writing = run(WRITE).catch((error) => error);
    await clock.advance(0);
    a.promote();
    await clock.advance(2000);
    expect(await writing).toMatchObject({ code: "REPLICA_WRITE_OUTCOME_UNKNOWN" });
    expect([p.ran.filter((text) => text === WRITE).length, a.ran]).toEqual([1, []]);
  });

  test("that a former primary refuses go to the next one", async () => {
    const { p, a, clock, run } = await start();
    await run(WRITE);
    p.isStandby = true;
    p.answer = (text) => (text === WRITE ? sqlError("25006") : []);
    a.promote();
    const writing = run(WRITE);
    await clock.advance(500);
    await writing;
    expect(a.ran).toEqual([WRITE]);
  });

  test("that the primary refuses, of a read-only user, disturb nobody", async () => {
    const { p, run, topology, jobFor, router } = await start();
    const { lease } = await router.seat(jobFor("BEGIN"));
    p.answer = (text) => (text === WRITE ? sqlError("25006") : []);
    await expect(run(WRITE)).rejects.toMatchObject({ code: "25006" });
    expect([topology.primary?.name, lease.isBroken]).toEqual(["p", false]);
  });

  test("are not sent over a connection that leads to a server of the past", async () => {
    const { p, a, clock, run, topology } = await start();
    p.kill();
    a.promote();
    await clock.advance(1200);
    expect(topology.primary?.name).toBe("a");
    // The address of the primary now leads to a server that was left behind.
    for (const client of a.clients) client.lose(lost());
    Object.assign(a, { timeline: 1 });
    const writing = run(WRITE).catch((error) => error);
    await clock.advance(12_000);
    expect(await writing).toMatchObject({ code: "REPLICA_NO_PRIMARY" });
    expect(a.ran).not.toContain(WRITE);
  });
});

describe("connections", () => {
  test("that are all in use are waited for, and then that is said", async () => {
    const { p, run, jobFor, router, hostOf } = await start({ max: 1 });
    const seat = await router.seat(jobFor("BEGIN"));
    const waiting = run(WRITE);
    await router.leave(seat);
    await waiting;
    hostOf(p).connections.pool.connect = (taker) =>
      taker(new Error("timeout exceeded when trying to connect"));
    await expect(run(WRITE)).rejects.toMatchObject({ code: "REPLICA_POOL_EXHAUSTED" });
  });

  test("go to who binds them, and come back without an open transaction", async () => {
    const { a, b, jobFor, router, hostOf } = await start();
    const kept: Seat[] = [];
    await router.execute(jobFor("BEGIN READ ONLY"), (seat) => kept.push(seat));
    const [seat] = kept;
    expect(seat?.host.role).toBe("replica");
    if (seat !== undefined) await router.leave(seat);
    expect([...a.ran, ...b.ran]).toEqual(["BEGIN READ ONLY", "ROLLBACK"]);
    expect(router.counts.leakedTransactions).toBe(1);
    expect([hostOf(a).inFlight, hostOf(b).inFlight]).toEqual([0, 0]);
  });

  test("a read whose server was gone while it waited for one does not use it unseen", async () => {
    const { a, b, clock, run, jobFor, router, hostOf } = await start({ max: 1 });
    const scope = new SessionScope({ system: "1", timeline: 1, lsn: 100n, madeMs: 0 }, true);
    b.kill();
    await clock.advance(1000);
    const seat = await router.seat(jobFor(READ));
    expect(seat.host.name).toBe("a");
    const reading = run(READ, scope);
    await clock.advance(0);
    // A crash takes some of what it had replayed back.
    a.kill();
    await clock.advance(0);
    a.start({ lsn: 90n });
    await router.leave(seat, true);
    await clock.advance(3000);
    await reading;
    expect(a.ran).toEqual([]);
    expect(hostOf(a).inFlight).toBe(0);
  });
});

describe("the primary in place of replicas", () => {
  test("reads what it may and no more", async () => {
    const { a, b, p, clock, run, jobFor, router } = await start({ settings: { mostStandIns: 1 } });
    a.kill();
    b.kill();
    await clock.advance(1000);
    const seat = await router.seat(jobFor(READ));
    expect(seat).toMatchObject({ isStandIn: true, reason: "no-replica" });
    await expect(run(READ)).rejects.toMatchObject({ code: "REPLICA_OVERLOADED" });
    await router.leave(seat);
    await run(READ);
    expect(p.ran).toContain(READ);
  });
});

test("closed: who waits for a server is told", async () => {
  const { p, a, b, clock, run, router } = await start();
  for (const server of [p, a, b]) server.kill();
  await clock.advance(2000);
  router.close();
  await expect(run(WRITE)).rejects.toMatchObject({ code: "REPLICA_CLOSED" });
});
