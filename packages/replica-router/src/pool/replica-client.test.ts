import { expect, test } from "vitest";
import { serverError } from "../../test/fake-postgres.ts";
import { routedServers } from "../../test/routed-servers.ts";
import type { ReplicaClient } from "./replica-client.ts";

async function open() {
  const servers = await routedServers();
  // One replica, so that it is known who reads.
  servers.server("c").kill();
  await servers.clock.advance(2000);
  return { ...servers, client: servers.database.client(undefined) };
}

const where = async (client: ReplicaClient, text: string): Promise<unknown> =>
  ((await client.query(text)) as { rows: { host: string }[] }).rows[0]?.host;

test("each statement goes where it belongs, in the order in which they were given", async () => {
  const { client } = await open();
  const all = ["SELECT 1", "INSERT INTO t VALUES (1)", "BEGIN", "SELECT 2", "COMMIT", "SELECT 3"];
  const went = await Promise.all(all.map((text) => where(client, text)));
  expect(went.slice(0, 5)).toEqual(["b", "a", "a", "a", "a"]);
});

test("a session statement keeps it until it is released", async () => {
  const { client, server } = await open();
  await client.query("SET search_path = mine");
  server("b").heard = [];
  await client.query("SELECT 1");
  expect(server("b").heard).toEqual([]);
  expect(client.processID).toBe(1);
  client.release();
  expect(client.processID).toBeNull();
});

test("a connection lost inside of a transaction undoes it; lost at its end, nobody can tell", async () => {
  for (const [last, code] of [
    ["INSERT INTO t VALUES (2)", undefined],
    ["COMMIT", "REPLICA_WRITE_OUTCOME_UNKNOWN"],
  ] as const) {
    const { client, server, clock } = await open();
    await client.query("BEGIN");
    await client.query("INSERT INTO t VALUES (1)");
    server("a").isHung = true;
    const lost = (client.query(last) as Promise<unknown>).catch(
      (error: { code?: string }) => error,
    );
    await clock.advance(0);
    server("a").kill();
    expect(await lost).toMatchObject(code === undefined ? { message: /terminated/ } : { code });
    client.release();
  }
});

test("a statement's own mistake leaves the client as it is", async () => {
  const { client, server, database } = await open();
  server("b").answer = () => serverError("42703");
  await expect(client.query("SELECT nothing")).rejects.toMatchObject({ code: "42703" });
  server("b").answer = () => [{ host: "b" }];
  expect(await where(client, "SELECT 1")).toBe("b");
  expect(database.count("totalCount")).toBe(database.count("idleCount"));
});

test("nothing is taken after release, and a second release is an error", async () => {
  const { client } = await open();
  const running = where(client, "SELECT 1");
  client.release();
  expect(await running).toBe("b");
  expect(() => client.release()).toThrow(/released already/);
  await expect(client.query("SELECT 1")).rejects.toMatchObject({ code: "REPLICA_CLIENT_RELEASED" });
});

test("type parsers are refused: they belong to one connection", async () => {
  const { client } = await open();
  expect(() => client.setTypeParser()).toThrow(/pg.types/);
});

test("the death of its server is no uncaught error", async () => {
  const { client, server } = await open();
  await client.query("BEGIN");
  server("a").kill();
  const heard: unknown[] = [];
  client.on("error", (error) => heard.push(error));
  await expect(client.query("SELECT 1")).rejects.toThrow(/not queryable/);
  client.release();
});
