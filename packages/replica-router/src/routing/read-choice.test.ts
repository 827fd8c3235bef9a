import { expect, test } from "vitest";
import { routedServers } from "../../test/routed-servers.ts";

test("after a write the primary, until a replica is known to have it", async () => {
  const { ask, server, clock, database, routes } = await routedServers();
  await database.sessions.run(undefined, async () => {
    await ask("INSERT INTO t VALUES (1)");
    server("a").lsn = 0x2000n;
    expect(await ask("SELECT 1")).toBe("a");
    expect(routes.at(-1)).toMatchObject({ reason: "token-behind" });
    for (const host of ["b", "c"]) server(host).lsn = 0x2000n;
    await clock.advance(2000);
    await ask("SELECT 1");
    await clock.advance(2000);
    expect(["b", "c"]).toContain(await ask("SELECT 1"));
  });
});

test("a read waits for a replica if it may", async () => {
  const { ask, server, clock, database } = await routedServers({ wait: { ms: 500 } });
  await database.sessions.run(undefined, async () => {
    server("a").lsn = 0x2000n;
    await ask("INSERT INTO t VALUES (1)");
    const reading = ask("SELECT 1");
    await clock.advance(100);
    server("c").lsn = 0x2000n;
    await clock.advance(100);
    expect(await reading).toBe("c");
  });
});

test("eventual asks for nothing but that it is not too far behind", async () => {
  const { ask, server, clock, routes } = await routedServers({
    consistency: "eventual",
    maxLag: { bytes: 0x100 },
  });
  server("a").lsn = 0x1080n;
  await ask("INSERT INTO t VALUES (1)");
  await clock.advance(2000);
  expect(["b", "c"]).toContain(await ask("SELECT 1"));
  server("a").lsn = 0x9000n;
  await clock.advance(2000);
  expect(await ask("SELECT 1")).toBe("a");
  expect(routes.at(-1)).toMatchObject({ reason: "lagging" });
  expect(["b", "c"]).toContain(await ask("SELECT 1", "replica"));
});

test("strong is the primary's, or of a replica that has all of it", async () => {
  const strict = await routedServers({ consistency: "strong" });
  expect(await strict.ask("SELECT 1")).toBe("a");
  expect(strict.routes.at(-1)).toMatchObject({ reason: "strong" });
  const waiting = await routedServers({ consistency: "strong", wait: { ms: 100 } });
  expect(["b", "c"]).toContain(await waiting.ask("SELECT 1"));
});
