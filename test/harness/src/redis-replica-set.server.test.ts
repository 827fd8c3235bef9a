import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { eventually } from "./eventually.ts";
import type { RedisNode } from "./redis-node.ts";
import { startRedis } from "./redis-replica-set.ts";
import { useServers } from "./use-servers.ts";

const redis = useServers(() => startRedis({ replicas: 1 }));

function connect(node: RedisNode): Redis & Disposable {
  const client = new Redis({ ...node.via, retryStrategy: () => null, maxRetriesPerRequest: 0 });
  client.on("error", () => {});
  return Object.assign(client, { [Symbol.dispose]: () => client.disconnect() });
}

test("a server answers through its proxy, on ports that survive kill9 and start", async () => {
  const { primary } = redis();
  const ports = [primary.direct.port, primary.via.port];
  using before = connect(primary);
  await before.set("k", "v");
  const dropped = new Promise((resolve) => before.once("close", resolve));
  await primary.kill9();
  await dropped;
  await primary.start();
  using after = connect(primary);
  // Without persistence a killed Redis has forgotten everything: that is the fault.
  expect(await after.get("k")).toBeNull();
  expect([primary.direct.port, primary.via.port]).toEqual(ports);
  expect(await primary.version()).toMatch(/^Redis \d/);
});

test("a paused server accepts and does not answer, until it resumes", async () => {
  const { primary, replicas } = redis();
  await primary.pause();
  using client = connect(primary);
  let answered = false;
  const ping = client.ping().then(() => {
    answered = true;
  });
  for (let round = 0; round < 20; round += 1) await replicas[0]?.command("PING");
  expect(answered).toBe(false);
  await primary.resume();
  await ping;
});

test("a stalled link holds a reply, which still belongs to its own command afterwards", async () => {
  const { primary } = redis();
  using client = connect(primary);
  await client.ping();
  primary.link.stall("down");
  const replies = Promise.all([client.incr("n"), client.incr("n"), client.echo("last")]);
  await eventually("the server ran both", async () => (await primary.command("GET", "n")) === "2");
  primary.link.open();
  expect(await replies).toEqual([1, 2, "last"]);
});

test("a replica has the primary's writes, refuses its own, and lags behind a stalled stream", async () => {
  const { primary, replicas } = redis();
  const replica = replicas[0] as RedisNode;
  await primary.command("SET", "a", "1");
  expect(await primary.command("WAIT", 1, 5000)).toBe(1);
  expect(await replica.command("GET", "a")).toBe("1");
  await expect(replica.command("SET", "b", "1")).rejects.toThrow(/READONLY/);
  replica.replication.stall();
  await primary.command("SET", "a", "2");
  expect(await primary.command("WAIT", 1, 50)).toBe(0);
  expect(await replica.command("GET", "a")).toBe("1");
  replica.replication.open();
  await eventually(
    "the replica catches up",
    async () => (await replica.command("GET", "a")) === "2",
  );
});

test("a replica that is started again is a replica again", async () => {
  const { primary, replicas } = redis();
  const replica = replicas[0] as RedisNode;
  await primary.command("SET", "a", "1");
  await replica.restart();
  await eventually(
    "it has the primary's data",
    async () => (await replica.command("GET", "a")) === "1",
  );
  expect(await replica.role()).toBe("slave");
});

test("a server that ended by itself is started by reset", async () => {
  const { primary } = redis();
  await primary.command("SHUTDOWN", "NOSAVE").catch(() => {});
  await redis().reset();
  expect(await primary.command("PING")).toBe("PONG");
});

test("a promoted replica takes writes, and reset makes the old primary its replica", async () => {
  const { primary: old, replicas } = redis();
  const next = replicas[0] as RedisNode;
  await old.kill9();
  await redis().promote(next);
  expect(redis().primary).toBe(next);
  await next.command("SET", "a", "1");
  await redis().reset();
  expect(await old.role()).toBe("slave");
  expect(await next.role()).toBe("master");
});

test("reset undoes every fault and empties the data", async () => {
  const { primary, replicas } = redis();
  await primary.command("SET", "a", "1");
  primary.link.refuse();
  replicas[0]?.replication.stall();
  await replicas[0]?.pause();
  await redis().reset();
  using client = connect(primary);
  expect(await client.dbsize()).toBe(0);
  await client.set("b", "1");
  expect(await client.wait(1, 5000)).toBe(1);
});
