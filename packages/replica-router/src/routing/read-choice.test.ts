import { describe, expect, test } from "vitest";
import { knownCluster, threeServers } from "../../test/fake-cluster.ts";
import { SessionScope } from "../session/session-scope.ts";
import type { Token } from "../session/token.ts";

const READ = "SELECT count(*) FROM notes";
const at = (lsn: bigint | undefined, timeline = 1): Token => {
  return { system: "1", timeline, lsn, madeMs: Date.UTC(2026, 0) };
};

async function start(settings?: NonNullable<Parameters<typeof knownCluster>[1]>["settings"]) {
  const [p, a, b] = threeServers();
  const cluster = await knownCluster([p, a, b], settings === undefined ? {} : { settings });
  const choose = async (token?: Token, tried?: ReadonlySet<never>) =>
    cluster.choice.choose(cluster.jobFor(READ, new SessionScope(token, true)), tried);
  return { p, a, b, ...cluster, choose };
}

describe("session", () => {
  test("a replica that has what the session has seen; else the primary, and replicas are looked at", async () => {
    const { a, clock, choose } = await start();
    expect((await choose(at(100n)))?.host.role).toBe("replica");
    a.lsn = 200n;
    expect(await choose(at(200n))).toMatchObject({ host: { name: "p" }, reason: "token-behind" });
    await clock.advance(0);
    expect(await choose(at(200n))).toMatchObject({ host: { name: "a" }, reason: "read" });
  });

  test("after a write the primary, until its position is known", async () => {
    const { choice, clock, jobFor } = await start();
    const scope = new SessionScope(undefined, true);
    scope.wrote();
    const job = jobFor(READ, scope);
    expect(await choice.choose(job, undefined)).toMatchObject({ reason: "token-behind" });
    await clock.advance(0);
    expect([scope.hasUnplacedWrites, scope.token?.lsn]).toEqual([false, 100n]);
    expect((await choice.choose(job, undefined))?.host.role).toBe("replica");
  });

  test("who has read from a replica stays there until it is known how far it was", async () => {
    const { choice, clock, jobFor, hostOf, a, monitor } = await start();
    const scope = new SessionScope(undefined, true);
    await clock.advance(1);
    choice.noteRead(hostOf(a), scope);
    for (let n = 0; n < 4; n++) {
      expect((await choice.choose(jobFor(READ, scope), undefined))?.host.name).toBe("a");
    }
    await clock.advance(1);
    void monitor.look(hostOf(a));
    await clock.advance(0);
    await choice.choose(jobFor(READ, scope), undefined);
    expect([scope.lastReader, scope.token?.lsn]).toEqual([undefined, 100n]);
  });

  test("who reads from the primary again and again is let go as soon as replicas have that", async () => {
    const { choice, clock, jobFor, hostOf, p } = await start();
    const scope = new SessionScope(undefined, true);
    const nodes: (string | undefined)[] = [];
    choice.noteRead(hostOf(p), scope);
    for (let n = 0; n < 4; n++) {
      await clock.advance(20);
      const route = await choice.choose(jobFor(READ, scope), undefined);
      nodes.push(route?.host.role);
      if (route !== undefined) choice.noteRead(route.host, scope);
    }
    expect(nodes).toEqual(["primary", "replica", "replica", "replica"]);
  });

  test("a session that has seen a later timeline does not read from the primary of the last", async () => {
    const { choose, clock, p } = await start();
    const before = p.looks;
    expect(await choose(at(100n, 2))).toBeUndefined();
    await clock.advance(0);
    expect(p.looks).toBeGreaterThan(before);
  });

  test("without a primary, whoever has it, in rotation or not", async () => {
    const { choose, clock, p, hostOf, a, b } = await start();
    p.kill();
    await clock.advance(1000);
    hostOf(a).note({ type: "eject" }, clock.monotonicNow());
    hostOf(b).note({ type: "eject" }, clock.monotonicNow());
    expect((await choose(at(100n)))?.reason).toBe("no-replica");
    expect(await choose(at(101n))).toBeUndefined();
  });
});

describe("how far behind", () => {
  test("a replica may be is limited; a hint at replicas lifts that", async () => {
    const { choose, choice, clock, jobFor, p } = await start({
      maxLag: { ms: 1000, bytes: 50 },
    });
    p.lsn = 200n;
    await clock.advance(1000);
    expect(await choose()).toMatchObject({ host: { name: "p" }, reason: "lagging" });
    const hinted = jobFor(READ, undefined, "replica");
    expect(await choice.choose(hinted, undefined)).toMatchObject({ reason: "hint" });
  });
});

describe("strong and eventual", () => {
  test("strong is the primary, where nobody may wait", async () => {
    const { choose } = await start({ consistency: "strong" });
    expect(await choose()).toMatchObject({ host: { name: "p" }, reason: "strong" });
  });

  test("strong with a wait is a replica that has what the primary has now", async () => {
    const { choose, clock, p, b } = await start({ consistency: "strong", waitMs: 100 });
    p.lsn = 300n;
    b.lsn = 300n;
    const choosing = choose();
    await clock.advance(50);
    expect((await choosing)?.host.name).toBe("b");
  });

  test("eventual is any replica", async () => {
    const { choose } = await start({ consistency: "eventual" });
    expect((await choose(at(1000n)))?.host.role).toBe("replica");
  });
});

test("a wait for a replica ends with one, or at its time with the primary", async () => {
  const { choose, clock, a } = await start({ waitMs: 100 });
  const first = choose(at(200n));
  await clock.advance(30);
  a.lsn = 200n;
  await clock.advance(10);
  expect(await first).toMatchObject({ host: { name: "a" }, reason: "read" });
  const second = choose(at(300n));
  await clock.advance(100);
  expect(await second).toMatchObject({
    host: { name: "p" },
    reason: "token-behind",
    waitedMs: expect.closeTo(100),
  });
});
