import { setTimeout as sleep } from "node:timers/promises";
import { createCache } from "@headroom/cache";
import { redisBus, redisStore } from "@headroom/cache/redis";
import { Redis } from "ioredis";

const redis = new Redis(process.env["REDIS_URL"] ?? "redis://127.0.0.1:6379");
const names = new Map([["42", "Ada"]]); // the database
let queries = 0;

/** What each of three web servers does when it starts. */
function startServer() {
  const cache = createCache({ name: "shop", l2: redisStore(redis), bus: redisBus(redis) });
  const users = cache.define("user", {
    load: async (id: string) => {
      queries += 1;
      await sleep(20);
      return { name: names.get(id), org: "org:7" };
    },
    ttlMs: 300_000,
    staleIfErrorMs: 3_600_000,
    tags: (user) => [user.org],
  });
  return { cache, users };
}
const servers = [startServer(), startServer(), startServer()];

// A hundred requests at each server, at once, for a user that nobody has yet.
const requests = servers.flatMap(({ users }) => Array.from({ length: 100 }, () => users.get("42")));
const answers = await Promise.all(requests);
console.log(`${answers.length} requests, ${queries} query`);

// A change, told by the server that made it: no server has the old name from here on.
names.set("42", "Ada Lovelace");
await servers[0]?.users.invalidate("42");
await sleep(50);
for (const { users } of servers) console.log((await users.get("42"))?.name);

console.log(await servers[0]?.cache.invalidateTags(["org:7"]));
for (const { cache } of servers) await cache.close();
await redis.quit();
