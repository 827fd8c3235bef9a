/** A replica pool over the harness's servers, and a table for its load. */

import type { PostgresCluster, PostgresNode } from "@headroom/harness";
import { eventually } from "@headroom/harness";
import {
  createReplicaPool,
  type ReplicaPool,
  type ReplicaPoolOptions,
  type RouteDecision,
} from "@headroom/replica-router";
import pg from "pg";
import { afterEach } from "vitest";

export interface Rig {
  readonly db: ReplicaPool<pg.Pool>;
  readonly database: string;
  /** Every decision so far. */
  readonly routes: RouteDecision[];
}

export type RigOptions = Partial<Omit<ReplicaPoolOptions, "pg">> & {
  /** Of each server. */
  readonly connection?: pg.ClientConfig & { readonly connectionTimeoutMillis?: number };
};

/** Rigs for the tests of one file: their pools are ended before the harness drops the databases. */
export function useRigs(cluster: () => PostgresCluster) {
  const opened: ReplicaPool<pg.Pool>[] = [];
  afterEach(async () => void (await Promise.all(opened.splice(0).map((db) => db.end()))));

  /** A pool over a database that is there already: another process of the same application. */
  async function open(database: string, options: RigOptions = {}): Promise<Rig> {
    const { connection, ...others } = options;
    const routes: RouteDecision[] = [];
    const server = (node: PostgresNode) => ({
      ...node.connection(database),
      ...connection,
      name: node.name,
    });
    const db = createReplicaPool({
      pg,
      primary: cluster().nodes.map(server),
      onRoute: (route) => routes.push(route),
      ...others,
    });
    opened.push(db);
    return { db, database, routes };
  }

  /** A fresh database with an empty table, and a pool that knows all servers. */
  async function prepared(options?: RigOptions): Promise<Rig> {
    const database = await cluster().createDatabase();
    await cluster().primary.query("CREATE TABLE entry (id int PRIMARY KEY)", [], database);
    await cluster().caughtUp();
    const rig = await open(database, options);
    await rig.db.query("SELECT 1");
    await eventually("all replicas are known", () => {
      const replicas = rig.db.stats().nodes.filter(({ role }) => role === "replica");
      return replicas.length === cluster().replicas.length;
    });
    return rig;
  }

  return { open, prepared };
}
