/** The servers that all are measured on: a primary and its replicas, with one table. */

import { type PostgresCluster, startPostgres } from "@headroom/harness";

const DATABASE = "bench";
export const ROWS = 1000;

/** What `pg.Pool` takes, and can be cloned into another process. */
export type Server = Readonly<{ host: string; port: number; user: string; database: string }>;

export interface Servers {
  readonly primary: Server;
  readonly replicas: readonly Server[];
}

export interface Stage {
  readonly cluster: PostgresCluster;
  readonly servers: Servers;
}

/** `entry` has ids 1 to {@link ROWS}, on all servers. */
export async function startStage(
  resources: AsyncDisposableStack,
  { replicas = 2 } = {},
): Promise<Stage> {
  const cluster = resources.use(await startPostgres({ replicas }));
  await cluster.primary.query(`CREATE DATABASE ${DATABASE}`);
  await cluster.primary.query(
    `CREATE TABLE entry AS
       SELECT id, 'name ' || id AS name FROM generate_series(1, ${ROWS}) AS id`,
    [],
    DATABASE,
  );
  await cluster.primary.query("ALTER TABLE entry ADD PRIMARY KEY (id)", [], DATABASE);
  await cluster.caughtUp();
  const server = ({ direct }: (typeof cluster)["primary"]): Server => ({
    host: direct.host,
    port: direct.port,
    user: "postgres",
    database: DATABASE,
  });
  return {
    cluster,
    servers: { primary: server(cluster.primary), replicas: cluster.replicas.map(server) },
  };
}
