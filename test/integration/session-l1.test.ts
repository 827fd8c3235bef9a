/** Copies in the process, told by Redis when they are old. */

import { eventually, startRedis, useServers } from "@headroom/harness";
import { createSessions, type Sessions } from "@headroom/session";
import { redisStore } from "@headroom/session/redis";
import { Redis } from "ioredis";
import { expect, onTestFinished, test } from "vitest";

type App = Sessions<{ n: number }>;
const redis = useServers(() => startRedis());

function app(ttlMs: number | undefined, isNear = true): App {
  const { direct, via } = redis().primary;
  const client = new Redis({ ...(isNear ? direct : via), retryStrategy: () => 50 });
  client.on("error", () => {});
  onTestFinished(() => client.disconnect());
  const made: App = createSessions({
    store: redisStore(client, { announceChanges: true }),
    secrets: ["s".repeat(32)],
    l1: ttlMs === undefined ? undefined : { ttlMs },
  });
  onTestFinished(() => made.close());
  return made;
}

async function login(sessions: App): Promise<string> {
  const session = sessions.open(undefined);
  session.set("n", 0);
  await session.login("ann");
  return session.takeCookie()?.split(";")[0] ?? "";
}

const listening = (count: number) =>
  eventually("they listen", async () => {
    const reply = await redis().primary.command("PUBSUB", "NUMSUB", "session:gone");
    return String(reply).includes(String(count));
  });

async function loads(work: () => Promise<unknown>): Promise<number> {
  await redis().primary.command("CONFIG", "RESETSTAT");
  await work();
  const stats = String(await redis().primary.command("INFO", "commandstats"));
  return Number(/cmdstat_hgetall:calls=(\d+)/.exec(stats)?.[1] ?? 0);
}

test("100 reads are one command; a change and an end on another server are known at once", async () => {
  const [one, other] = [app(60_000), app(undefined)];
  await listening(1);
  const cookie = await login(other);
  const read = async () => (await one.open(cookie).load()).peek("n");
  expect(
    await loads(async () => {
      for (let at = 0; at < 100; at++) expect(await read()).toBe(0);
    }),
  ).toBe(1);
  const session = other.open(cookie);
  session.set("n", 1);
  await session.save();
  await eventually("the change is known", async () => (await read()) === 1);
  await other.revokeUser("ann");
  await eventually("the end is known", async () => (await read()) === undefined);
});

test("with copies for a minute 200 increments of three servers are 200", async () => {
  const apps = [app(60_000), app(60_000), app(60_000)];
  await listening(3);
  const cookie = await login(apps[0] as App);
  await Promise.all(
    Array.from({ length: 200 }, (_, at) =>
      apps[at % 3]?.open(cookie).update("n", (n = 0) => n + 1),
    ),
  );
  expect(await app(undefined).open(cookie).get("n")).toBe(200);
});

test("who cannot hear Redis drops its copies, and serves none of them much longer than ttlMs", async () => {
  const [deaf, other] = [app(400, false), app(undefined)];
  await listening(1);
  const cookie = await login(other);
  const read = async () => (await deaf.open(cookie).load()).userId;
  expect(await read()).toBe("ann");
  redis().primary.link.stall("down");
  const endedAtMs = performance.now();
  await other.revokeUser("ann");
  // Nothing arrives, also not that it was revoked: the copy is used until its time is over.
  let lastMs = 0;
  for (let isOver = false; !isOver; ) {
    const asked = deaf.open(cookie).load();
    const answer = await Promise.race([
      asked.then(({ userId }) => userId),
      new Promise<"asks Redis">((resolve) => setTimeout(resolve, 20, "asks Redis")),
    ]);
    isOver = answer !== "ann";
    if (!isOver) lastMs = performance.now() - endedAtMs;
    asked.catch(() => {});
  }
  expect(lastMs).toBeLessThan(2_000);
  redis().primary.link.open();
  await eventually("the end is known", async () => (await read()) === undefined);
});
