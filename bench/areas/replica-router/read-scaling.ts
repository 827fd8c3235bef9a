/**
 * Reads that cost the server milliseconds of CPU, while the primary is busy with writes: on two
 * replicas, and all on the primary. Each server has a machine of its own in life. Here they share one.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { createReplicaPool } from "@headroom/replica-router";
import pg from "pg";
import { type Servers, startStage } from "./cluster.ts";
import type { Reader } from "./throughput.ts";

const SELECT = "SELECT sum(i * i % 7) FROM generate_series(1, $1::int) AS i";
const COST = 20_000;

const WRITE = "UPDATE entry SET name = md5(name)";
const WRITERS = 2;
const PAUSE_MS = 20;

/** The writers rest between two writes, so that both sides meet the same. */
export async function busyCluster(resources: AsyncDisposableStack): Promise<Servers> {
  const { servers } = await startStage(resources);
  const pool = new pg.Pool(servers.primary);
  let isOver = false;
  const write = async (): Promise<void> => {
    while (!isOver) {
      await pool.query(WRITE);
      await sleep(PAUSE_MS);
    }
  };
  const writers = Promise.all(Array.from({ length: WRITERS }, write));
  resources.defer(async () => {
    isOver = true;
    await writers;
    await pool.end();
  });
  return servers;
}

export const overReplicas: Reader = async ({ primary, replicas }, resources) => {
  const db = createReplicaPool({ pg, primary, replicas });
  resources.defer(() => db.end());
  await db.primary.query("SELECT 1");
  return () => db.query(SELECT, [COST]);
};

export const allOnPrimary: Reader = ({ primary }, resources) => {
  const pool = new pg.Pool(primary);
  resources.defer(() => pool.end());
  return () => pool.query(SELECT, [COST]);
};
