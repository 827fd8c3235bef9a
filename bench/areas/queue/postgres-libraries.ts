/** Queues on PostgreSQL. */

import { postgresDriver } from "@headroom/queue/postgres";
import * as bullmq from "bullmq";
import { Logger, makeWorkerUtils, run } from "graphile-worker";
import pg from "pg";
import { PgBoss } from "pg-boss";
import { type OpenQueue, type Payload, payload, payloads } from "./libraries.ts";
import { oursOn } from "./ours.ts";

/** Connections of a pool, of every library. */
const MAX = 10;

function openPool(connectionString: string, resources: AsyncDisposableStack): pg.Pool {
  const pool = new pg.Pool({ connectionString, max: MAX });
  pool.on("error", () => {});
  resources.defer(() => pool.end());
  return pool;
}

async function counted(pool: pg.Pool, table: string, where = "true"): Promise<number> {
  const { rows } = await pool.query(`SELECT count(*)::int AS left FROM ${table} WHERE ${where}`);
  return rows[0].left;
}

export const ours: OpenQueue = async ({ postgres }, resources) =>
  oursOn(postgresDriver(openPool(postgres, resources)), resources);

const REMOVE = { removeOnComplete: true, removeOnFail: true } as const;

export const bullMq: OpenQueue = async ({ postgres }, resources) => {
  const connection = { connectionString: postgres, max: MAX, migrate: true };
  const backend = bullmq.createPostgresBackend;
  const settings = { connection, defaultJobOptions: REMOVE };
  const queue = new bullmq.Queue("jobs", settings, backend);
  queue.on("error", () => {});
  resources.defer(() => queue.close());
  await queue.waitUntilReady();
  return {
    add: (index) => queue.add("job", payload(index)),
    addBulk: (from, count) =>
      queue.addBulk(payloads(from, count).map((data) => ({ name: "job", data }))),
    work: async (concurrency, onJob) => {
      const handler = async ({ data }: { readonly data: Payload }) => onJob(data.index);
      const options = { connection, concurrency };
      const worker = new bullmq.Worker("jobs", handler, options, backend);
      worker.on("error", () => {});
      await worker.waitUntilReady();
      return () => worker.close();
    },
    left: () => queue.count().then(async (waiting) => waiting + (await queue.getActiveCount())),
  };
};

/** It polls twice a second at most, so a backlog is fetched in batches, again at once while they are full. */
export const pgBoss: OpenQueue = async ({ postgres }, resources) => {
  const pool = openPool(postgres, resources);
  const boss = new PgBoss({ connectionString: postgres, max: MAX, useListenNotify: true });
  boss.on("error", () => {});
  resources.defer(() => boss.stop({ graceful: false }));
  await boss.start();
  await boss.createQueue("jobs", { notify: true, deleteAfterSeconds: 1 });
  return {
    add: (index) => boss.send("jobs", payload(index)),
    addBulk: (from, count) =>
      boss.insert(
        "jobs",
        payloads(from, count).map((data) => ({ data })),
      ),
    work: async (concurrency, onJob) => {
      const options = {
        batchSize: Math.max(2, concurrency),
        burstWhenBatchFull: true,
        pollingIntervalSeconds: 0.5,
        localConcurrency: 4,
      };
      await boss.work<Payload>("jobs", options, async (found) => {
        for (const { data } of found) onJob(data.index);
      });
      return () => boss.offWork("jobs");
    },
    left: () => counted(pool, "pgboss.job", "state < 'completed'"),
  };
};

const silent = new Logger(() => () => {});

/** With a local queue and batched completions, its fastest. */
export const graphileWorker: OpenQueue = async ({ postgres }, resources) => {
  const pool = openPool(postgres, resources);
  const utils = await makeWorkerUtils({ pgPool: pool, logger: silent });
  resources.defer(() => utils.release());
  await utils.migrate();
  return {
    add: (index) => utils.addJob("job", payload(index)),
    addBulk: (from, count) =>
      utils.addJobs(payloads(from, count).map((data) => ({ identifier: "job", payload: data }))),
    work: async (concurrency, onJob) => {
      const runner = await run({
        pgPool: pool,
        logger: silent,
        noHandleSignals: true,
        concurrency,
        taskList: { job: async (data) => onJob((data as Payload).index) },
        preset: { worker: { localQueue: { size: 500 }, completeJobBatchDelay: 0 } },
      });
      return () => runner.stop();
    },
    left: () => counted(pool, "graphile_worker.jobs"),
  };
};

/** `DELETE … SKIP LOCKED`: what a worker has taken is lost with it. */
export const bareTable: OpenQueue = async ({ postgres }, resources) => {
  const pool = openPool(postgres, resources);
  await pool.query("CREATE TABLE jobs (id bigserial PRIMARY KEY, data jsonb NOT NULL)");
  const insert = (data: readonly Payload[]) =>
    pool.query("INSERT INTO jobs (data) SELECT jsonb_array_elements($1::jsonb)", [
      JSON.stringify(data),
    ]);
  return {
    add: (index) => pool.query("INSERT INTO jobs (data) VALUES ($1)", [payload(index)]),
    addBulk: (from, count) => insert(payloads(from, count)),
    work: (concurrency, onJob) => {
      let isStopping = false;
      const take = `DELETE FROM jobs WHERE id IN
        (SELECT id FROM jobs ORDER BY id LIMIT ${concurrency} FOR UPDATE SKIP LOCKED) RETURNING data`;
      const loop = (async () => {
        while (!isStopping) {
          const { rows } = await pool.query<{ data: Payload }>(take);
          await Promise.all(rows.map(async ({ data }) => onJob(data.index)));
          if (rows.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
        }
      })();
      return () => {
        isStopping = true;
        return loop;
      };
    },
    left: () => counted(pool, "jobs"),
  };
};
