import { expect, test } from "vitest";
import { routedServers } from "../../test/routed-servers.ts";

test("while there is no primary the servers are looked at often, and one that is promoted is found", async () => {
  const { server, clock, database } = await routedServers();
  server("a").kill();
  await clock.advance(2000);
  expect(database.stats.nodes[0]?.role).toBe("unknown");
  Object.assign(server("c"), { isStandby: false, timeline: 2, lsn: 0x2000n });
  await clock.advance(60);
  expect(database.stats.nodes[2]?.role).toBe("primary");
});

test("one that was gone is found again, within an interval", async () => {
  const { server, clock, database } = await routedServers();
  server("b").kill();
  await clock.advance(5000);
  server("b").isDown = false;
  await clock.advance(1100);
  expect(database.stats.nodes[1]).toMatchObject({ role: "replica" });
});
