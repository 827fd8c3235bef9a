import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import { FakeServer, fakePg } from "../../test/fake-postgres.ts";
import { HostConnections } from "./host-connections.ts";

function start(max = 2) {
  const server = new FakeServer("p");
  const told: string[] = [];
  const options = {
    pg: fakePg([server]),
    config: { host: "p" },
    max,
    clock: createManualClock(),
    onConnect: () => told.push("connected"),
    onLost: () => told.push("lost"),
    onParameter: (name: string, value: string) => told.push(`${name}=${value}`),
  };
  const connections = new HostConnections(options);
  return { server, connections, told };
}

test("connections are made, lent, and told of", async () => {
  const { connections, told } = start();
  const lease = await connections.acquire("read");
  expect(told).toEqual(["in_hot_standby=off", "connected"]);
  lease.release();
  (await connections.acquire("write")).release();
  expect([connections.pool.totalCount, connections.pool.idleCount]).toEqual([1, 1]);
});

test("an idle one that dies is told of", async () => {
  const { server, connections, told } = start();
  (await connections.acquire("read")).release();
  server.kill();
  expect(told.at(-1)).toBe("lost");
  await expect(connections.acquire("read")).rejects.toMatchObject({ code: "ECONNREFUSED" });
});

test("cut: reads end, who waits is told, writes and transactions stay", async () => {
  const { server, connections } = start();
  const [read, write] = await Promise.all([
    connections.acquire("read"),
    connections.acquire("write"),
  ]);
  const waiting = connections.acquire("read");
  server.state = "hung";
  const running = [read.run("SELECT"), write.run("INSERT")];
  connections.cut("reads", "p does not answer");
  await expect(waiting).rejects.toThrow("Connection terminated: p does not answer");
  await expect(running[0]).rejects.toThrow("Connection terminated");
  expect([read.isBroken, write.isBroken]).toEqual([true, false]);
  connections.cut("everything", "p does not answer");
  await expect(running[1]).rejects.toThrow("Connection terminated");
});

test("a connection that comes when nobody waits for it any more is kept for the next", async () => {
  const { server, connections } = start(1);
  server.state = "hung";
  const waiting = connections.acquire("read");
  connections.cut("reads", "p does not answer");
  await expect(waiting).rejects.toThrow("does not answer");
  server.start();
  const lease = await connections.acquire("read");
  expect(connections.pool.totalCount).toBe(1);
  lease.release();
});

test("close waits for what is lent, or not any longer", async () => {
  const { connections } = start();
  const lease = await connections.acquire("bound");
  let hurry = (): void => {};
  const closing = connections.close(
    new Promise<void>((resolve) => {
      hurry = resolve;
    }),
  );
  expect(lease.isBroken).toBe(false);
  hurry();
  await closing;
  expect([lease.isBroken, connections.pool.totalCount]).toEqual([true, 0]);
});
