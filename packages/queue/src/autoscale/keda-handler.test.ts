import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import { afterEach, expect, test } from "vitest";
import type { QueueStats } from "../driver.ts";
import { driverFailed } from "../errors.ts";
import { kedaHandler } from "./keda-handler.ts";

let server: Server | undefined;

afterEach(() => new Promise<unknown>((resolve) => server?.close(resolve)));

async function listen(handler: Parameters<typeof createServer>[1]): Promise<string> {
  const started = createServer(handler);
  server = started;
  await new Promise<void>((resolve) => started.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(started.address() as AddressInfo).port}`;
}

const stats: QueueStats = {
  ready: 30,
  delayed: 0,
  active: 0,
  held: 0,
  dead: 0,
  paused: false,
  oldestReadyMs: 100,
  totals: { added: 30, ended: 0 },
};
const queues = { photos: { name: "photos", stats: async () => stats } };

test("it answers plain Node with what KEDA looks for", async () => {
  const url = await listen(kedaHandler(queues, { concurrency: 1, runtimeMs: 6_000 }));
  const response = await fetch(url);
  expect(response.status).toBe(200);
  expect(response.headers.get("cache-control")).toBe("no-store");
  expect(await response.json()).toMatchObject({
    desired: 3,
    queues: { photos: { desired: 3, depth: 30, oldestReadySeconds: 0.1 } },
  });
});

test("it is a route of Express", async () => {
  const app = express();
  app.use("/queues", kedaHandler(queues, { concurrency: 1 }));
  const url = await listen(app);
  expect(await (await fetch(`${url}/queues`)).json()).toMatchObject({ desired: 1 });
  const refused = await fetch(`${url}/queues`, { method: "POST" });
  expect(refused.status).toBe(405);
  expect((await fetch(`${url}/queues`, { method: "HEAD" })).status).toBe(200);
});

test("when a server does not answer, it says so and nothing of why", async () => {
  const away = {
    name: "photos",
    stats: () => Promise.reject(driverFailed("photos", "redis", new Error("secret"))),
  };
  const url = await listen(kedaHandler({ photos: away }, { concurrency: 1 }));
  const response = await fetch(url);
  expect(response.status).toBe(503);
  expect(await response.json()).toEqual({ error: "QUEUE_UNAVAILABLE" });
});
