/** Queues on Redis. */

import { redisDriver } from "@headroom/queue/redis";
import BeeQueue from "bee-queue";
import * as bullmq from "bullmq";
import { Redis } from "ioredis";
import { type OpenQueue, type Payload, payload, payloads } from "./libraries.ts";
import { oursOn } from "./ours.ts";

export const ours: OpenQueue = async ({ redis }, resources) => {
  const client = new Redis({ ...redis });
  client.on("error", () => {});
  resources.defer(() => client.disconnect());
  return oursOn(redisDriver(client), resources);
};

const REMOVE = { removeOnComplete: true, removeOnFail: true } as const;

export const bullMq: OpenQueue = async ({ redis }, resources) => {
  const connection = { ...redis, maxRetriesPerRequest: null };
  const queue = new bullmq.Queue<Payload>("jobs", { connection, defaultJobOptions: REMOVE });
  queue.on("error", () => {});
  resources.defer(() => queue.close());
  await queue.waitUntilReady();
  return {
    add: (index) => queue.add("job", payload(index)),
    addBulk: (from, count) =>
      queue.addBulk(payloads(from, count).map((data) => ({ name: "job", data }))),
    work: async (concurrency, onJob) => {
      const handler = async ({ data }: bullmq.Job<Payload>) => onJob(data.index);
      const worker = new bullmq.Worker<Payload>("jobs", handler, { connection, concurrency });
      worker.on("error", () => {});
      await worker.waitUntilReady();
      return () => worker.close();
    },
    left: () => queue.count().then(async (waiting) => waiting + (await queue.getActiveCount())),
  };
};

export const beeQueue: OpenQueue = async ({ redis }, resources) => {
  const settings = { redis: { ...redis }, removeOnSuccess: true, removeOnFailure: true };
  const queue = new BeeQueue<Payload>("jobs", { ...settings, isWorker: false, getEvents: false });
  resources.defer(() => queue.close());
  await queue.ready();
  return {
    add: (index) => queue.createJob(payload(index)).save(),
    addBulk: (from, count) =>
      queue.saveAll(payloads(from, count).map((data) => queue.createJob(data))),
    work: async (concurrency, onJob) => {
      const worker = new BeeQueue<Payload>("jobs", {
        ...settings,
        getEvents: false,
        sendEvents: false,
      });
      await worker.ready();
      worker.process(concurrency, async ({ data }) => onJob(data.index));
      return () => worker.close();
    },
    left: async () => {
      const { waiting, active, delayed } = await queue.checkHealth();
      return waiting + active + delayed;
    },
  };
};

/** A list: what a worker has taken is lost with it. */
export const bareList: OpenQueue = async ({ redis }, resources) => {
  const client = new Redis({ ...redis });
  const blocking = client.duplicate();
  resources.defer(() => client.disconnect());
  resources.defer(() => blocking.disconnect());
  const text = (data: Payload) => JSON.stringify(data);
  return {
    add: (index) => client.rpush("list", text(payload(index))),
    addBulk: (from, count) => client.rpush("list", ...payloads(from, count).map(text)),
    work: (concurrency, onJob) => {
      let isStopping = false;
      const handle = async (found: string) => onJob((JSON.parse(found) as Payload).index);
      const loop = (async () => {
        while (!isStopping) {
          const found = await client.lpop("list", concurrency);
          if (found) await Promise.all(found.map(handle));
          else {
            const next = await blocking.blpop("list", 0.2);
            if (next) await handle(next[1]);
          }
        }
      })();
      return () => {
        isStopping = true;
        return loop;
      };
    },
    left: () => client.llen("list"),
  };
};
