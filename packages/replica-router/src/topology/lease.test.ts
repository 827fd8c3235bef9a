import { expect, test } from "vitest";
import { FakeServer, fakePg, sqlError } from "../../test/fake-postgres.ts";
import type { PooledClient } from "../pg-module.ts";
import { Lease, type LeaseUse } from "./lease.ts";

async function lend(use: LeaseUse = "write") {
  const server = new FakeServer("p");
  const pool = new (fakePg([server]).Pool)({ host: "p", max: 1, Client: fakePg([server]).Client });
  const client = await new Promise<PooledClient>((resolve, reject) =>
    pool.connect((error, made) => (made ? resolve(made) : reject(error))),
  );
  let returns = 0;
  const lease = new Lease(client, use, () => {
    returns++;
  });
  return { server, pool, lease, returned: () => returns };
}

test("a statement resolves or rejects, and is settled when the server is ready", async () => {
  const { server, lease } = await lend();
  server.answer = (text) => (text === "bad" ? sqlError("42703") : [{ n: 1 }]);
  expect((await lease.run("SELECT 1")).rows).toEqual([{ n: 1 }]);
  expect([lease.isReady, lease.isIdle, lease.isBroken]).toEqual([true, true, false]);
  await expect(lease.run("bad")).rejects.toMatchObject({ code: "42703" });
  await lease.settled();
  expect([lease.isReady, lease.isIdle]).toEqual([true, true]);
});

test("in a transaction it is not idle", async () => {
  const { lease } = await lend("bound");
  await lease.run("BEGIN");
  expect(lease.isIdle).toBe(false);
  await lease.run("ROLLBACK");
  expect(lease.isIdle).toBe(true);
});

test("cut: what was sent fails, who waits goes on, and the connection is used by nobody else", async () => {
  const { server, pool, lease, returned } = await lend();
  server.state = "hung";
  const running = lease.run("INSERT");
  const settled = lease.settled();
  lease.cut();
  await expect(running).rejects.toThrow("Connection terminated");
  await settled;
  expect(lease.isBroken).toBe(true);
  lease.release();
  expect([returned(), pool.totalCount]).toEqual([1, 0]);
});

test("the death of its server is noted and ends nothing else", async () => {
  const { server, lease } = await lend();
  server.kill();
  expect(lease.isBroken).toBe(true);
  await lease.settled();
});

test("given back it is another's; given back as bad it is closed", async () => {
  const { pool, lease } = await lend();
  lease.release();
  expect([pool.totalCount, pool.idleCount]).toEqual([1, 1]);
  const second = await lend();
  second.lease.release(true);
  expect([second.pool.totalCount, second.server.clients.size]).toEqual([0, 0]);
});

test("what talks to the connection itself is handed over", async () => {
  const { server, lease } = await lend();
  const submittable = { text: "SELECT 1", submit: () => {} };
  await new Promise<void>((resolve) => lease.submit(submittable, undefined, () => resolve()));
  await lease.settled();
  expect(server.ran).toEqual(["SELECT 1"]);
});
