import { expect, test } from "vitest";
import { routedServers } from "../../test/routed-servers.ts";

test("a token is the primary's position after the last write", async () => {
  const { ask, server, database } = await routedServers();
  const token = await database.sessions.run(undefined, async () => {
    await ask("INSERT INTO t VALUES (1)");
    server("a").lsn = 0x2000n;
    return database.token(database.sessions.present);
  });
  expect(token).toMatchObject({ system: "7", timeline: 1, lsn: 0x2000n });
});

test("without a primary it is one that only the primary satisfies", async () => {
  const { ask, server, clock, database } = await routedServers();
  const token = await database.sessions.run(undefined, async () => {
    await ask("INSERT INTO t VALUES (1)");
    server("a").kill();
    const asked = database.token(database.sessions.present);
    await clock.advance(2000);
    return asked;
  });
  expect(token).toMatchObject({ system: "7", timeline: 1, lsn: undefined });
});

test("who has done nothing has none", async () => {
  const { database } = await routedServers();
  const none = database.sessions.run(undefined, () => database.token(database.sessions.present));
  expect(await none).toBeUndefined();
});
