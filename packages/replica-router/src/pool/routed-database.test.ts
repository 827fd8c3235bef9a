import { expect, test } from "vitest";
import { routedServers } from "../../test/routed-servers.ts";

test("its stats say who is what, and which way statements went", async () => {
  const { database, server, clock } = await routedServers();
  server("a").lsn = 0x1100n;
  await clock.advance(2000);
  expect(database.stats).toMatchObject({
    nodes: [
      {
        name: "a",
        role: "primary",
        health: "healthy",
        timeline: 1,
        lagBytes: undefined,
        inFlight: 0,
      },
      { name: "b", role: "replica", health: "healthy", timeline: 1, lagBytes: 0x100, inFlight: 0 },
      { name: "c", role: "replica" },
    ],
    routes: { "read/replica/read": 1 },
    retries: 0,
    misrouted: 0,
    leakedTransactions: 0,
  });
});

test("a server that says it is read-only now is not the primary any more", async () => {
  const { database, server } = await routedServers();
  const [client] = server("a").clients;
  for (const each of server("a").clients) {
    each.connection.emit("parameterStatus", {
      parameterName: "in_hot_standby",
      parameterValue: "on",
    });
  }
  expect(client).toBeDefined();
  expect(database.stats.nodes[0]?.role).toBe("replica");
});

test("clients that were given back are given out again", async () => {
  const { database } = await routedServers();
  const client = database.client(undefined);
  client.release();
  expect(database.client(undefined)).toBe(client);
});

test("each real connection is told of, and all are closed at the end", async () => {
  const { database, connected, clock } = await routedServers();
  expect(connected.length).toBeGreaterThan(0);
  const ending = database.end();
  await clock.advance(1);
  await ending;
  expect(database.count("totalCount")).toBe(0);
  expect(() => database.client(undefined)).toThrow(/was ended/);
});
