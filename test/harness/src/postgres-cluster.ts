import { choosePlace } from "./choose-place.ts";
import { eventually } from "./eventually.ts";
import type { FaultProxy } from "./fault-proxy.ts";
import { freePort } from "./free-port.ts";
import type { Place, ServerProcess } from "./place.ts";
import { PostgresNode } from "./postgres-node.ts";
import { type PostgresOptions, primaryProgram, replicaProgram } from "./postgres-script.ts";
import { nodeProxies } from "./process-node.ts";

/** What the faults that are settings change, as it was. */
const NO_FAULT = { synchronous_standby_names: "", recovery_min_apply_delay: "0" };

/** A replica that is whole needs far less for what a test wrote. */
const FOLLOWS_WITHIN_MS = 2000;

export interface PostgresClusterOptions {
  /** Streaming replicas to start with. @default 0 */
  readonly replicas?: number;
  /** Server settings on top of the harness's own, for every node. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** Starts a primary and its replicas; resolves when all answer and every replica streams. */
export async function startPostgres(
  options: PostgresClusterOptions = {},
): Promise<PostgresCluster> {
  const cluster = await PostgresCluster.start(await choosePlace(), options.settings ?? {});
  try {
    await Promise.all(Array.from({ length: options.replicas ?? 0 }, () => cluster.addReplica()));
  } catch (error) {
    await cluster.close();
    throw error;
  }
  return cluster;
}

/**
 * A primary and the replicas that follow it by streaming replication.
 *
 * Each replica follows through a proxy of its own (`replica.replication`), which is led to the new
 * primary on a promotion: the replicas' own configuration never changes. Who is the primary is what
 * the cluster was told last, not what a server believes: an old primary that is started again after
 * a promotion is a second primary, as in life, until `rejoin` makes it a replica.
 */
export class PostgresCluster {
  readonly #place: Place;
  readonly #settings: Readonly<Record<string, string>>;
  readonly #nodes: PostgresNode[] = [];
  readonly #databases: string[] = [];
  #primary: PostgresNode | undefined;
  #createdNodes = 0;
  #createdDatabases = 0;
  #marks = 0;

  private constructor(place: Place, settings: Readonly<Record<string, string>>) {
    this.#place = place;
    this.#settings = settings;
  }

  static async start(
    place: Place,
    settings: Readonly<Record<string, string>>,
  ): Promise<PostgresCluster> {
    const cluster = new PostgresCluster(place, settings);
    const options = await cluster.#nextOptions();
    const proxies = await nodeProxies(options.port);
    cluster.#primary = new PostgresNode({
      ...options,
      ...proxies,
      process: place.create(primaryProgram(options)),
    });
    cluster.#nodes.push(cluster.#primary);
    try {
      await cluster.#primary.start();
    } catch (error) {
      await cluster.close();
      throw error;
    }
    return cluster;
  }

  get primary(): PostgresNode {
    if (!this.#primary) throw new Error("The cluster has no primary: it is closed");
    return this.#primary;
  }

  /** Every node but the primary, in the order of their creation. */
  get replicas(): readonly PostgresNode[] {
    return this.#nodes.filter((node) => node !== this.#primary);
  }

  get nodes(): readonly PostgresNode[] {
    return this.#nodes;
  }

  /** Clones the primary into a new replica; resolves when it answers and streams. */
  async addReplica(): Promise<PostgresNode> {
    const options = await this.#nextOptions();
    const proxies = await nodeProxies(options.port);
    const node = new PostgresNode({
      ...options,
      ...proxies,
      process: this.#clone(options, proxies.replication),
    });
    this.#nodes.push(node);
    await node.start();
    await this.#streams(node);
    return node;
  }

  /** Makes a replica the primary and leads the other replicas to it. The old primary is left alone. */
  async promote(replica: PostgresNode): Promise<void> {
    const [row] = await replica.query<{ promoted: boolean }>(
      "SELECT pg_promote(true, 30) AS promoted",
    );
    if (!row?.promoted) throw new Error(`${replica.name} was not promoted within 30 s`);
    const old = this.#primary;
    this.#primary = replica;
    for (const node of this.replicas) if (node !== old) node.replication.retarget(replica.direct);
  }

  /** Throws a node's data away and clones the present primary into it: an old primary's way back. */
  async rejoin(node: PostgresNode): Promise<void> {
    if (node === this.#primary)
      throw new Error(`${node.name} is the primary: it has nobody to follow`);
    node.replication.open();
    const options = { name: node.name, port: node.direct.port, settings: this.#settings };
    await node.replaceProcess(this.#clone(options, node.replication));
    await this.#streams(node);
  }

  /** Stops applying what the replica still receives: lag in bytes and in time, at will. */
  async pauseReplay(replica: PostgresNode): Promise<void> {
    await replica.query("SELECT pg_wal_replay_pause()");
    await eventually(`${replica.name} paused its replay`, async () => {
      const [row] = await replica.query<{ state: string }>(
        "SELECT pg_get_wal_replay_pause_state() AS state",
      );
      return row?.state === "paused";
    });
  }

  async resumeReplay(replica: PostgresNode): Promise<void> {
    await replica.query("SELECT pg_wal_replay_resume()");
  }

  /** Applies each commit `delayMs` after it happened on the primary; 0 ends the delay. */
  async delayReplay(replica: PostgresNode, delayMs: number): Promise<void> {
    await replica.configure({ recovery_min_apply_delay: `${delayMs}ms` });
  }

  /**
   * Makes commits wait for replicas: "*" or a list as in `synchronous_standby_names`, "" for none.
   * Resolves when a standby is synchronous (or none is).
   */
  async setSynchronous(names: string): Promise<void> {
    await this.primary.configure({ synchronous_standby_names: names });
    await eventually(`synchronous_standby_names = '${names}' takes effect`, async () => {
      const [row] = await this.primary.query<{ sync: number }>(
        "SELECT count(*) FILTER (WHERE sync_state <> 'async')::int AS sync FROM pg_stat_replication",
      );
      return names === "" ? row?.sync === 0 : (row?.sync ?? 0) > 0;
    });
  }

  /** Resolves when `replicas` (all, unless named) have applied all the primary has written by now. */
  async caughtUp(replicas: readonly PostgresNode[] = this.replicas): Promise<void> {
    const [row] = await this.primary.query<{ lsn: string }>(
      "SELECT pg_current_wal_flush_lsn()::text AS lsn",
    );
    await Promise.all(
      replicas.map((replica) =>
        eventually(`${replica.name} has replayed ${row?.lsn}`, async () => {
          const [reply] = await replica.query<{ done: boolean }>(
            "SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn AS done",
            [row?.lsn],
          );
          return reply?.done;
        }),
      ),
    );
  }

  /** A fresh, empty database that every replica has; `reset` drops it. Returns its name. */
  async createDatabase(): Promise<string> {
    this.#createdDatabases += 1;
    const name = `test_${this.#createdDatabases}`;
    await this.primary.query(`CREATE DATABASE ${name}`);
    this.#databases.push(name);
    await this.caughtUp();
    return name;
  }

  /** Undoes every fault and drops the databases: what runs between two tests. Keeps who is primary. */
  async reset(): Promise<void> {
    for (const node of this.#nodes) {
      node.link.open();
      node.replication.open();
    }
    await Promise.all(this.#nodes.map((node) => node.start()));
    // On every node: settings travel with clones, and stay with a replica that is promoted.
    await Promise.all(this.#nodes.map((node) => node.configure(NO_FAULT)));
    const mark = await this.#leaveMark();
    await Promise.all(this.replicas.map((replica) => this.#bringBack(replica, mark)));
    for (const name of this.#databases.splice(0)) {
      await this.primary.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    }
  }

  async close(): Promise<void> {
    this.#primary = undefined;
    await Promise.all(this.#nodes.splice(0).map((node) => node.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #bringBack(replica: PostgresNode, mark: number): Promise<void> {
    const [row] = await replica.query<{ standby: boolean }>(
      "SELECT pg_is_in_recovery() AS standby",
    );
    if (!row?.standby) return this.rejoin(replica);
    await this.resumeReplay(replica);
    // A replica with what a new primary never had cannot follow it: the timelines have parted. Its
    // position may well be ahead and its stream up for moments; what it never gets is a new row.
    if (!(await this.#receives(replica, mark))) await this.rejoin(replica);
  }

  /** A row on the primary by which to see who follows it. */
  async #leaveMark(): Promise<number> {
    this.#marks += 1;
    await this.primary.query("CREATE TABLE IF NOT EXISTS headroom_mark (mark int)");
    await this.primary.query("INSERT INTO headroom_mark VALUES ($1)", [this.#marks]);
    return this.#marks;
  }

  async #receives(replica: PostgresNode, mark: number): Promise<boolean> {
    const has = async (): Promise<boolean> => {
      const sql = "SELECT 1 FROM headroom_mark WHERE mark = $1";
      return (await replica.query(sql, [mark])).length > 0;
    };
    return eventually(`${replica.name} has mark ${mark}`, has, {
      withinMs: FOLLOWS_WITHIN_MS,
    }).catch(() => false);
  }

  /** A process that clones the present primary by way of `replication`, and follows it from then on. */
  #clone(options: PostgresOptions, replication: FaultProxy): ServerProcess {
    replication.retarget(this.primary.direct);
    return this.#place.create(replicaProgram(options, replication.endpoint));
  }

  #streams(replica: PostgresNode): Promise<unknown> {
    return eventually(`${replica.name} streams from ${this.primary.name}`, async () => {
      const [row] = await this.primary.query<{ state: string }>(
        "SELECT state FROM pg_stat_replication WHERE application_name = $1",
        [replica.name],
      );
      return row?.state === "streaming";
    });
  }

  async #nextOptions(): Promise<PostgresOptions> {
    this.#createdNodes += 1;
    return { name: `pg${this.#createdNodes}`, port: await freePort(), settings: this.#settings };
  }
}
