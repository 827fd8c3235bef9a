import { expect, test } from "vitest";
import { knownCluster, threeServers } from "../../test/fake-cluster.ts";
import { SessionScope } from "../session/session-scope.ts";

async function start() {
  const [p, a, b] = threeServers();
  return { p, a, b, ...(await knownCluster([p, a, b])) };
}

test("a write is placed where the primary is afterwards", async () => {
  const { p, positions } = await start();
  const scope = new SessionScope(undefined, true);
  scope.wrote();
  p.lsn = 150n;
  const placing = positions.place(scope);
  scope.wrote();
  await placing;
  expect([scope.token?.lsn, scope.hasUnplacedWrites]).toEqual([150n, true]);
});

test("in the background one session asks no more often than every 10 ms", async () => {
  const { p, clock, positions } = await start();
  const scope = new SessionScope(undefined, true);
  for (let n = 0; n < 5; n++) {
    scope.wrote();
    positions.placeSoon(scope);
  }
  await clock.advance(9);
  positions.placeSoon(scope);
  await clock.advance(0);
  expect(p.looks).toBe(2);
  await clock.advance(1);
  positions.placeSoon(scope);
  await clock.advance(0);
  expect([p.looks, scope.hasUnplacedWrites]).toEqual([3, false]);
});

test("a server that does not answer is not asked how far it is", async () => {
  const { a, b, clock, hostOf, positions } = await start();
  a.kill();
  await clock.advance(1000);
  const before = hostOf(a).failedLooks;
  positions.refreshSoon([hostOf(a), hostOf(b)]);
  await clock.advance(0);
  expect([hostOf(a).failedLooks, b.looks]).toEqual([before, 3]);
});

test("a session's token is all that it has written and read", async () => {
  const { p, a, clock, hostOf, positions, choice } = await start();
  const idle = new SessionScope(undefined, true);
  expect(await positions.token(idle)).toBeUndefined();
  const reader = new SessionScope(undefined, true);
  await clock.advance(1);
  choice.noteRead(hostOf(a), reader);
  a.lsn = 120n;
  await clock.advance(1);
  expect(await positions.token(reader)).toMatchObject({ lsn: 120n, timeline: 1, system: "1" });
  const writer = new SessionScope(undefined, true);
  writer.wrote();
  p.lsn = 130n;
  expect((await positions.token(writer))?.lsn).toBe(130n);
});

test("what was read at a server that is gone is placed by the primary", async () => {
  const { p, a, clock, hostOf, positions, choice } = await start();
  const scope = new SessionScope(undefined, true);
  await clock.advance(1);
  choice.noteRead(hostOf(a), scope);
  a.kill();
  p.lsn = 140n;
  await clock.advance(1);
  expect((await positions.token(scope))?.lsn).toBe(140n);
});

test("without a primary only the primary will do", async () => {
  const { p, clock, positions } = await start();
  const scope = new SessionScope(undefined, true);
  scope.wrote();
  p.kill();
  await clock.advance(1000);
  expect(await positions.token(scope)).toMatchObject({ timeline: 1, lsn: undefined });
});
