/** What it takes to have a statement routed, where the server answers in a fraction of a millisecond. */

import { createReplicaPool } from "@headroom/replica-router";
import pg from "pg";
import type { AsyncOperation, ClientVariant } from "../../src/area.ts";
import { ROWS, type Server, type Servers, startStage } from "./cluster.ts";

const SELECT = "SELECT id, name FROM entry WHERE id = $1";

export type Reader = ClientVariant<Servers>;

export const cluster =
  (replicas: number) =>
  async (resources: AsyncDisposableStack): Promise<Servers> =>
    (await startStage(resources, { replicas })).servers;

/** Ours over the primary and so many of its replicas, which then take all reads. */
export const oursOver =
  (replicas: number): Reader =>
  async (servers, resources) => {
    const db = createReplicaPool({
      pg,
      primary: servers.primary,
      replicas: servers.replicas.slice(0, replicas),
    });
    resources.defer(() => db.end());
    await db.primary.query("SELECT 1");
    return reads((id) => db.query(SELECT, [id]));
  };

/** One pool of pg's, on the server that is asked by ours. */
export const poolOnPrimary: Reader = ({ primary }, resources) => poolOn(primary, resources);

export const poolOnReplica: Reader = ({ replicas, primary }, resources) =>
  poolOn(replicas[0] ?? primary, resources);

/** What it costs whoever does it: servers that are asked in turn share the cores of one machine. */
export const poolsInTurn: Reader = ({ replicas }, resources) => {
  const pools = replicas.map((server) => new pg.Pool(server));
  for (const pool of pools) resources.defer(() => pool.end());
  return reads((id) => (pools[id % pools.length] as pg.Pool).query(SELECT, [id]));
};

function poolOn(server: Server, resources: AsyncDisposableStack): AsyncOperation {
  const pool = new pg.Pool(server);
  resources.defer(() => pool.end());
  return reads((id) => pool.query(SELECT, [id]));
}

function reads(query: (id: number) => Promise<unknown>): AsyncOperation {
  return (index) => query(1 + (index % ROWS));
}
