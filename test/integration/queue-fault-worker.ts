/**
 * A worker as a process of its own, to be killed and stopped. It writes the effect of every job into
 * a ledger on a server that no fault strikes, and tells its parent what happens to it.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { createQueues, type QueueDriver } from "@headroom/queue";
import { postgresDriver } from "@headroom/queue/postgres";
import { redisDriver } from "@headroom/queue/redis";
import { Redis } from "ioredis";
import pg from "pg";
import {
  BLOCKING,
  faultQueue,
  REDIS_CLIENT,
  TIMEOUT_MS,
  type ToParent,
  type ToWorker,
  type WorkerOrders,
} from "./queue-fault-orders.ts";

const orders = JSON.parse(process.argv[2] ?? "{}") as WorkerOrders;
const tell = (message: ToParent): void => void process.send?.(message);

// Wrong by so much before anything has looked at it.
const { skewMs } = orders;
if (skewMs !== 0) {
  const now = Date.now.bind(Date);
  Date.now = () => now() + skewMs;
}

const ledger = new Redis({ ...orders.ledger });
const queues = createQueues({ driver: openDriver(), queues: { work: faultQueue(orders) } });
const worker = queues.worker(
  {
    work: async ({ data, attempt }, { signal }) => {
      const { index } = data;
      signal.addEventListener("abort", () => {
        tell({ kind: "aborted", index, code: String(signal.reason?.code) });
      });
      tell({ kind: "started", index, attempt });
      if (orders.blockMs > 0 && index === BLOCKING && attempt === 1) block(orders.blockMs);
      await sleep(orders.jobMs, undefined, orders.heedsSignal ? { signal } : {});
      await ledger.rpush(orders.ledgerKey, JSON.stringify([index, attempt, data.key ?? null]));
      tell({ kind: "effect", index, attempt });
      if (orders.hangsAfterEffect) await new Promise(() => {});
    },
  },
  { concurrency: orders.concurrency, prefetch: orders.prefetch },
);

process.on("message", async (message: ToWorker) => {
  if (message.kind === "measure") {
    globalThis.gc?.();
    const handles = process.getActiveResourcesInfo().filter((kind) => kind !== "Timeout").length;
    tell({ kind: "measured", heapBytes: process.memoryUsage().heapUsed, handles });
    return;
  }
  await worker.stop({ softMs: message.softMs, hardMs: 1_000 });
  tell({ kind: "stopped", stats: { ...worker.stats() } });
  await queues.close();
  process.disconnect();
});
process.on("disconnect", () => process.exit(0));
tell({ kind: "ready" });

function openDriver(): QueueDriver {
  if (orders.postgres !== undefined) {
    const pool = new pg.Pool({ connectionString: orders.postgres, max: 5 });
    pool.on("error", () => {});
    return postgresDriver(pool, { timeoutMs: TIMEOUT_MS });
  }
  const client = new Redis({ ...orders.redis, ...REDIS_CLIENT });
  client.on("error", () => {});
  return redisDriver(client, { timeoutMs: TIMEOUT_MS });
}

/** Nothing else runs meanwhile: no heartbeat, no timer, no reply. */
function block(ms: number): void {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
}
