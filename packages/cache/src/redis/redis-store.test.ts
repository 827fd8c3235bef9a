import { Cluster, Redis } from "ioredis";
import { expect, onTestFinished, test } from "vitest";
import { redisStore } from "./redis-store.ts";

test("every client of ioredis fits: single, with Sentinels, Cluster", () => {
  const clients = [
    new Redis({ lazyConnect: true }),
    new Redis({ lazyConnect: true, name: "main", sentinels: [{ host: "127.0.0.1", port: 1 }] }),
    new Cluster([{ host: "127.0.0.1", port: 1 }], { lazyConnect: true }),
  ];
  for (const client of clients) {
    onTestFinished(() => client.disconnect());
    expect(redisStore(client)).toBeTypeOf("function");
    expect(client.status).toBe("wait");
  }
});

test("a Cluster that reads from replicas and an unknown option are refused at once", () => {
  const client = new Cluster([{ port: 1 }], { lazyConnect: true, scaleReads: "slave" });
  onTestFinished(() => client.disconnect());
  expect(() => redisStore(client)).toThrow(/must read from masters/);
  const single = new Redis({ lazyConnect: true });
  onTestFinished(() => single.disconnect());
  expect(() => redisStore(single, { ttlMs: 5 } as object)).toThrow(/unknown option "ttlMs"/);
});
