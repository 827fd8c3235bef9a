import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import { fakePostgres } from "../../test/fake-postgres.ts";
import type { PgModule } from "../pg-module.ts";
import { HostConnections } from "./host-connections.ts";

function connections(max: number, given: object = {}) {
  const clock = createManualClock();
  const { pg, server, config } = fakePostgres("a");
  const told: string[] = [];
  const made = new HostConnections({
    pg: pg as unknown as PgModule,
    config: { ...config("a"), ...given },
    max,
    clock,
    onConnect: () => told.push("connect"),
    onLost: () => told.push("lost"),
    onParameter: (name, value) => told.push(`${name}=${value}`),
  });
  return { clock, server: server("a"), made, told };
}

test("who waits too long for a connection is told so as pg-pool does", async () => {
  const { clock, made } = connections(1);
  const first = await made.acquire("read");
  const second = made.acquire("read").catch((error: Error) => error.message);
  await clock.advance(5000);
  expect(await second).toBe("timeout exceeded when trying to connect");
  first.release();
  (await made.acquire("read")).release();
});

test("cutting reads lets writes go on; cutting everything does not", async () => {
  const { made, server } = connections(3);
  const [read, write] = [await made.acquire("read"), await made.acquire("write")];
  server.isHung = true;
  const waits = [read.run("SELECT 1"), write.run("INSERT INTO t VALUES (1)")].map((running) =>
    running.catch((error: Error) => error.message),
  );
  made.cut("reads", "a does not answer");
  expect(await waits[0]).toMatch(/terminated/);
  expect(write.isBroken).toBe(false);
  made.cut("everything", "a does not answer");
  expect(await waits[1]).toMatch(/terminated/);
});

test("who waits when a server is cut is told at once", async () => {
  const { made } = connections(1);
  await made.acquire("write");
  const waiting = made.acquire("write");
  made.cut("reads", "a does not answer");
  await expect(waiting).rejects.toThrow("Connection terminated: a does not answer");
});

test("it closes though somebody keeps a connection", async () => {
  const { made } = connections(1);
  const kept = await made.acquire("bound");
  await made.close(Promise.resolve());
  expect(made.pool.totalCount).toBe(0);
  kept.release();
  await expect(made.acquire("read")).rejects.toThrow(/not used any more/);
});

test("what a server says of itself is heard from the first message on", async () => {
  const { made, told } = connections(1);
  const lease = await made.acquire("read");
  const { connection } = lease.client as unknown as {
    connection: { emit(...given: unknown[]): void };
  };
  connection.emit("parameterStatus", { parameterName: "in_hot_standby", parameterValue: "on" });
  expect(told).toEqual(["connect", "in_hot_standby=on"]);
});

test("a password reaches the connection, though pg-pool hides it", async () => {
  const { made } = connections(1, { password: "hunter2" });
  const lease = await made.acquire("read");
  expect((lease.client as unknown as { password: unknown }).password).toBe("hunter2");
});

test("a connection that a hung server does not complete does not keep it from closing", async () => {
  const { made, server } = connections(1);
  server.isHung = true;
  const waiting = made.acquire("read").catch((error: Error) => error.message);
  await made.close(Promise.resolve());
  expect(await waiting).toMatch(/not used any more/);
  expect(made.pool.totalCount).toBe(0);
});

/** Its pool does not take connections back before the end of the turn. */
const endOfTurn = () => new Promise((resolve) => setImmediate(resolve));

test("one that is given back is at hand until the end of the turn", async () => {
  const { made } = connections(1);
  const first = await made.acquire("read");
  first.release();
  expect([made.pool.idleCount, made.idleCount]).toEqual([0, 1]);
  const next = made.take("write");
  expect([next?.client, next?.use]).toEqual([first.client, "write"]);
  expect(made.take("read")).toBeUndefined();
  next?.release();
  await endOfTurn();
  expect(made.take("read")).toBeUndefined();
  expect([made.pool.idleCount, made.idleCount]).toEqual([1, 1]);
});

test("who waits for one gets it before who comes later", async () => {
  const { made } = connections(1);
  const first = await made.acquire("read");
  const waiting = made.acquire("read");
  first.release();
  expect(made.take("read")).toBeUndefined();
  expect((await waiting).client).toBe(first.client);
});

test("one that has died at hand is not given to anybody", async () => {
  const { made } = connections(1);
  const first = await made.acquire("read");
  first.release();
  made.cut("everything", "a does not answer");
  expect(made.take("read")).toBeUndefined();
  expect((await made.acquire("read")).client).not.toBe(first.client);
});

test.each(["maxUses", "maxLifetimeSeconds"])("with %s each goes back to the pool", async (rule) => {
  const { made } = connections(1, { [rule]: 10 });
  (await made.acquire("read")).release();
  expect(made.take("read")).toBeUndefined();
  expect(made.pool.idleCount).toBe(1);
});

test("one at hand does not keep the rest from closing", async () => {
  const { made } = connections(1);
  (await made.acquire("read")).release();
  await made.close(new Promise(() => {}));
  expect(made.pool.totalCount).toBe(0);
});
