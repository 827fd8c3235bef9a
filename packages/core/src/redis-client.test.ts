import { expect, test } from "vitest";
import {
  integerReply,
  isRedisCluster,
  type RedisClusterClient,
  type RedisCommands,
  type RedisConnection,
  requireRedisClient,
  sendRedis,
} from "./redis-client.ts";

const callBuffer = (): Promise<unknown> => Promise.resolve(null);

const single: RedisConnection = {
  callBuffer,
  connect: () => Promise.resolve(),
  duplicate: () => single,
  disconnect: () => {},
  on: () => single,
};

const cluster = (options?: object): RedisClusterClient =>
  Object.assign(
    { callBuffer, nodes: () => [], slots: [], refreshSlotsCache: () => {} },
    options && { options },
  );

test("a client with nodes is a Cluster, any other is a single server", () => {
  expect(isRedisCluster(cluster())).toBe(true);
  expect(isRedisCluster(single)).toBe(false);
});

test("a usable client is given back as it is", () => {
  for (const client of [
    single,
    cluster(),
    cluster({}),
    cluster({ scaleReads: "master" }),
    cluster({ scaleReads: undefined }),
  ])
    expect(requireRedisClient("client", client)).toBe(client);
});

test.each([
  ["slave", '"slave"'],
  ["all", '"all"'],
  [() => [], "function"],
])("a Cluster that reads from replicas (%s) is refused", (scaleReads, shown) => {
  expect(() => requireRedisClient("client", cluster({ scaleReads }))).toThrow(
    new RangeError(
      `client must read from masters, got a Cluster with scaleReads ${shown}: replicas lag behind`,
    ),
  );
});

test("what is no client of ioredis is refused by name, without showing it", () => {
  const url = "redis://:hunter2@cache:6379" as unknown as RedisConnection;
  expect(() => requireRedisClient("client", url)).toThrow(
    new TypeError("client must be an object with callBuffer, got a string of 27 characters"),
  );
  const foreign = { callBuffer } as unknown as RedisConnection;
  expect(() => requireRedisClient("client", foreign)).toThrow(TypeError);
});

test("an integer reply is a number, whatever stringNumbers made of it", () => {
  expect([7, "7", Buffer.from("1795420000000001")].map(integerReply)).toEqual([
    7, 7, 1795420000000001,
  ]);
});

test("a command goes to the client as it is, and its reply and error come back", async () => {
  const failed = new Error("failed");
  const client: RedisCommands = {
    callBuffer: (command, args) =>
      command === "get" ? Promise.resolve(args) : Promise.reject(failed),
  };
  expect(await sendRedis(client, "get", ["k"])).toEqual(["k"]);
  await expect(sendRedis(client, "set", ["k"])).rejects.toBe(failed);
});

test("to a client that pipelines by itself a command goes as a pipeline of one", async () => {
  const failed = new Error("failed");
  let outcomes: [Error | null, unknown][] | null = [[null, "reply"]];
  const piped: unknown[] = [];
  const client: RedisCommands = {
    callBuffer: () => Promise.reject(new Error("its name would be lost")),
    pipeline: () => ({
      callBuffer: (...command) => piped.push(command),
      exec: () => Promise.resolve(outcomes),
    }),
    options: { enableAutoPipelining: true },
  };
  expect(await sendRedis(client, "get", ["k"])).toBe("reply");
  expect(piped).toEqual([["get", ["k"]]]);
  outcomes = [[failed, undefined]];
  await expect(sendRedis(client, "get", ["k"])).rejects.toBe(failed);
  outcomes = null;
  await expect(sendRedis(client, "get", ["k"])).rejects.toThrow("Connection is closed.");
});
