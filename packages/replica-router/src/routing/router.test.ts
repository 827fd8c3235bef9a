import { expect, test } from "vitest";
import { serverError } from "../../test/fake-postgres.ts";
import { gatedPool } from "../../test/gated-pool.ts";
import { GatedServer } from "../../test/gated-postgres.ts";
import { routedServers } from "../../test/routed-servers.ts";

test("a read that its server cannot answer is made elsewhere, a wrong one is not", async () => {
  const { ask, server } = await routedServers();
  server("b").answer = () => serverError("57P01", "FATAL");
  for (let n = 0; n < 4; n++) expect(await ask("SELECT 1")).toBe("c");
  server("c").answer = () => serverError("42703");
  server("c").heard = [];
  await expect(ask("SELECT nothing")).rejects.toMatchObject({ code: "42703" });
  expect(server("c").heard).toEqual(["SELECT nothing"]);
});

test("a read that replay has cancelled is made elsewhere", async () => {
  const { ask, server, database } = await routedServers();
  for (const host of ["b", "c"]) server(host).answer = () => serverError("40001");
  expect(await ask("SELECT 1")).toBe("a");
  expect(database.stats.retries).toBe(2);
});

test("a write whose connection was lost is not sent again", async () => {
  const { ask, server, clock } = await routedServers();
  await ask("INSERT INTO t VALUES (0)");
  server("a").isHung = true;
  const lost = ask("INSERT INTO t VALUES (1)").catch((error) => error);
  await clock.advance(0);
  server("a").kill();
  expect(await lost).toMatchObject({ code: "REPLICA_WRITE_OUTCOME_UNKNOWN", retryable: false });
});

test("a write that was refused as read-only is sent to the next primary", async () => {
  const { ask, server, clock } = await routedServers();
  server("a").answer = () => serverError("25006");
  server("a").isStandby = true;
  const writing = ask("INSERT INTO t VALUES (1)");
  await clock.advance(100);
  Object.assign(server("b"), { isStandby: false, timeline: 2, lsn: 0x2000n });
  await clock.advance(500);
  expect(await writing).toBe("b");
});

test("nothing is written to a server below a timeline that was seen", async () => {
  const { ask, server, clock } = await routedServers({ failoverMs: 500 });
  // A replica tells of a promotion that this one has not seen.
  server("b").timeline = 2;
  await clock.advance(1100);
  const fenced = ask("INSERT INTO t VALUES (1)").catch((error) => error);
  await clock.advance(600);
  expect(await fenced).toMatchObject({ code: "REPLICA_NO_PRIMARY" });
  expect(server("a").heard).not.toContain("INSERT INTO t VALUES (1)");
});

test("a new connection that leads to a standby is not used", async () => {
  const { ask, server, clock } = await routedServers({ failoverMs: 500 });
  // Nobody has looked since: the connection is the first to find out.
  server("a").isStandby = true;
  const writing = ask("INSERT INTO t VALUES (1)").catch((error) => error);
  await clock.advance(100);
  Object.assign(server("b"), { isStandby: false, timeline: 2, lsn: 0x2000n });
  await clock.advance(200);
  expect(await writing).toBe("b");
  expect(server("a").heard).not.toContain("INSERT INTO t VALUES (1)");
});

test("the primary stands in for replicas up to its share", async () => {
  const { ask, server, clock } = await routedServers({ max: 4, primaryReads: 0.25 });
  for (const host of ["b", "c"]) server(host).kill();
  await clock.advance(2000);
  const answers = await Promise.allSettled([ask("SELECT 1"), ask("SELECT 2"), ask("SELECT 3")]);
  const refused = answers.filter(({ status }) => status === "rejected");
  expect(refused).toHaveLength(2);
  expect(refused[0]).toMatchObject({ reason: { code: "REPLICA_OVERLOADED", retryable: true } });
  expect(await ask("SELECT 1")).toBe("a");
});

test.each(["SELECT 1", "INSERT INTO t VALUES (1)"])("%s is sent within the call", async (text) => {
  const p = new GatedServer("p");
  const { db, clock } = gatedPool([p]);
  await clock.advance(0);
  await db.query(text);
  const asking = db.query(text);
  expect(p.received).toEqual([text, text]);
  await asking;
});

test("one of two failures that pg tells of one statement counts", async () => {
  const { server, ask, database } = await routedServers();
  for (const client of [...server("b").clients, ...server("c").clients]) {
    const query = client.query.bind(client);
    client.query = (text, values, callback) =>
      query(text, values, (error, result) => {
        callback?.(error, result);
        callback?.(new Error("Connection terminated unexpectedly"));
      });
  }
  for (let n = 0; n < 4; n++) await ask("SELECT 1");
  expect(database.stats.retries).toBe(0);
  expect(database.stats.nodes.map(({ inFlight }) => inFlight)).toEqual([0, 0, 0]);
});
