/**
 * A worker as a process of its own, to be killed: it works slowly through the queue of a library, and
 * tells its parent each job when it starts and when it is over.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { createQueues, defineQueue } from "@headroom/queue";
import { redisDriver } from "@headroom/queue/redis";
import * as bullmq from "bullmq";
import { Redis } from "ioredis";
import type { FaultyLibrary } from "./faults.ts";
import type { Payload } from "./libraries.ts";

const CONCURRENCY = 20;
const JOB_MS = 50;

const [library = "", host = "", port = ""] = process.argv.slice(2);
const server = { host, port: Number(port) };

async function handle({ index }: Payload): Promise<void> {
  process.send?.({ started: index });
  await sleep(JOB_MS);
  process.send?.({ done: index });
}

const start: Record<FaultyLibrary, () => unknown> = {
  ours: () => {
    const jobs = defineQueue<Payload>({ name: "jobs" });
    const queues = createQueues({ driver: redisDriver(new Redis(server)), queues: { jobs } });
    return queues.worker({ jobs: ({ data }) => handle(data) }, { concurrency: CONCURRENCY });
  },
  BullMQ: () =>
    new bullmq.Worker<Payload>("jobs", ({ data }) => handle(data), {
      connection: { ...server, maxRetriesPerRequest: null },
      concurrency: CONCURRENCY,
    }),
};

start[library as FaultyLibrary]();
process.on("disconnect", () => process.exit());
