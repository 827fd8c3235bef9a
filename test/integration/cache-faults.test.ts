import { createCache } from "@headroom/cache";
import { redisStore } from "@headroom/cache/redis";
import { eventually, startRedis, testSeed, useServers } from "@headroom/harness";
import { Redis } from "ioredis";
import { afterEach, expect, test } from "vitest";
import { type Account, CacheFleet } from "./cache-load.ts";

/**
 * Three processes read and change while Redis suffers. Whatever happens to it: no read fails, none
 * is older than an invalidation that was acknowledged before it, and none waits long.
 */

const redis = useServers(() => startRedis());
const { random } = testSeed();
let open: Redis[] = [];
let fleet: CacheFleet | undefined;

/** Clients as an application makes them: they wait for their server for ever. */
function client(keyPrefix = ""): Redis {
  const { host, port } = redis().primary.via;
  const made = new Redis(port, host, { keyPrefix });
  made.on("error", () => {});
  open.push(made);
  return made;
}

async function start(): Promise<CacheFleet> {
  const started = new CacheFleet([client(), client(), client()]);
  fleet = started;
  await synced(started);
  return started;
}

async function synced(started: CacheFleet): Promise<void> {
  await eventually("every process hears the bus", () =>
    started.caches.every((cache) => cache.stats().bus === "synced"),
  );
}

/** Everybody hears the bus again, nothing is pending, and what is read is what the source has. */
async function healed(started: CacheFleet): Promise<void> {
  await synced(started);
  await eventually("nothing is pending", () =>
    started.caches.every((cache) => cache.stats().pendingInvalidations === 0),
  );
  await eventually("all reads are right", async () => (await started.readAll()) === 0);
}

afterEach(async () => {
  await fleet?.close();
  for (const made of open) made.disconnect();
  open = [];
  fleet = undefined;
});

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function expectRight(name: string, account: Account, slowestMs: number): void {
  console.log(`${name}:`, JSON.stringify(account));
  expect(account.reads).toBeGreaterThan(200);
  expect(account).toMatchObject({ failed: 0, staleHere: 0, staleElsewhere: 0 });
  expect(account.maxMs).toBeLessThan(slowestMs);
}

test("without a fault", async () => {
  const started = await start();
  await started.run(wait(1_500), random);
  const account = started.account();
  expectRight("no fault", account, 1_000);
  expect(account.invalidations.queued).toBe(0);
});

const FAULTS: readonly [
  name: string,
  strike: () => Promise<void> | void,
  heal: () => Promise<void> | void,
][] = [
  ["SIGSTOP and SIGCONT", () => redis().primary.pause(), () => redis().primary.resume()],
  ["kill -9 and restart, empty", () => redis().primary.kill9(), () => redis().primary.start()],
  ["a link that stalls", () => redis().primary.link.stall(), () => redis().primary.link.open()],
  [
    "connections refused",
    () => {
      redis().primary.link.refuse();
      redis().primary.link.resetAll();
    },
    () => redis().primary.link.open(),
  ],
  [
    "no memory (OOM)",
    async () => void (await redis().primary.command("CONFIG", "SET", "maxmemory", "1")),
    async () => void (await redis().primary.command("CONFIG", "SET", "maxmemory", "0")),
  ],
  [
    "read-only",
    async () => void (await redis().primary.command("REPLICAOF", "127.0.0.1", "1")),
    async () => void (await redis().primary.command("REPLICAOF", "NO", "ONE")),
  ],
];

test.each(FAULTS)("Redis suffers: %s", async (name, strike, heal) => {
  const started = await start();
  const course = async (): Promise<void> => {
    await wait(400);
    await strike();
    await wait(2_500);
    await heal();
    await wait(1_500);
  };
  await started.run(course(), random);
  const account = started.account();
  // A read waits for at most two operations of 50 ms each, and the shared cores are slow.
  expectRight(name, account, 1_000);
  expect(account.invalidations.queued).toBeGreaterThan(0);
  // A copy of an outage lives 2 s: a key is loaded at most once a process and change, and then that.
  expect(account.mostLoadsPerSecond).toBeLessThan(40);
  await healed(started);
});

test("FLUSHALL, and scripts forgotten, under load", async () => {
  const started = await start();
  const course = async (): Promise<void> => {
    for (let round = 0; round < 5; round++) {
      await wait(200);
      await redis().primary.command("FLUSHALL");
      await redis().primary.command("SCRIPT", "FLUSH");
    }
  };
  await started.run(course(), random);
  expectRight("FLUSHALL", started.account(), 1_000);
  await healed(started);
});

test("the subscribers are dropped again and again", async () => {
  const started = await start();
  const course = async (): Promise<void> => {
    for (let round = 0; round < 8; round++) {
      await wait(200);
      await redis().primary.command("CLIENT", "KILL", "TYPE", "pubsub");
    }
    await wait(300);
  };
  await started.run(course(), random);
  expectRight("subscribers dropped", started.account(), 1_000);
  await healed(started);
});

test("the account sees a cache that is wrong", async () => {
  // Three caches that know nothing of each other: as without a bus, and without a store.
  const apart = new CacheFleet([client("a:"), client("b:")]);
  fleet = apart;
  await synced(apart);
  await apart.run(wait(1_500), random);
  expect(apart.account().staleElsewhere + apart.account().staleHere).toBeGreaterThan(0);
});

test("a lease that Redis grants to a process that has given up is not waited for by the others", async () => {
  const leaseMs = 60_000;
  const caches = [client(), client()].map((made) =>
    createCache({ name: "late", l2: redisStore(made), leaseMs }),
  );
  const [first, second] = caches.map((cache) =>
    cache.define<string, string>("value", {
      ttlMs: 60_000,
      load: async (key) => `value of ${key}`,
    }),
  );
  // Who misses expects to miss again, and asks for the lease at once.
  await first?.get("nothing is there");
  await second?.get("nor there");
  await redis().primary.pause();
  expect(await first?.get("k")).toBe("value of k");
  await redis().primary.resume();
  const startMs = performance.now();
  expect(await second?.get("k")).toBe("value of k");
  expect(performance.now() - startMs).toBeLessThan(1_000);
  for (const cache of caches) await cache.close();
});
