import {
  checkSetFull,
  createRecorder,
  eventually,
  type PostgresNode,
  type Recorder,
  startPostgres,
  startRedis,
  useServers,
} from "@headroom/harness";
import { Redis } from "ioredis";
import pg from "pg";
import { describe, expect, test } from "vitest";

/**
 * The harness can see loss. Asynchronous replication loses acknowledged writes when the primary dies
 * behind a stalled link, and the checker must find them; the same fault under synchronous writes
 * must lose none, or the checker cries wolf.
 */

const WRITERS = 4;
const WRITES_BEFORE_THE_FAULT = 400;
const LOST_WRITES = 200;
/** Those under way when the link stalls may be on the replica already. */
const WRITES_AFTER_THE_STALL = LOST_WRITES + WRITERS;

/** Writers that go on whatever becomes of a single write. */
class Load {
  readonly log: Recorder = createRecorder();
  readonly #writers: Promise<unknown>[];
  #element = 0;
  #acked = 0;
  #unacked = 0;
  #stopped = false;

  constructor(write: (element: number, writer: number) => Promise<unknown>) {
    this.#writers = Array.from({ length: WRITERS }, async (_, writer) => {
      while (!this.#stopped) {
        const element = this.#element++;
        const done = await this.log.run({ kind: "add", value: element }, () =>
          write(element, writer),
        );
        if (done.outcome === "ok") this.#acked += 1;
        else this.#unacked += 1;
      }
    });
  }

  async acked(count: number): Promise<void> {
    const target = this.#acked + count;
    await eventually(`${count} more writes are acknowledged`, () => this.#acked >= target);
  }

  /** Resolves when so many more writes have ended without an acknowledgement. */
  async unacked(count: number): Promise<void> {
    const target = this.#unacked + count;
    await eventually(`${count} more writes are not acknowledged`, () => this.#unacked >= target);
  }

  /** Lets `fault` happen to the writes that are under way, and starts no more. */
  async endBy(fault: () => Promise<void>): Promise<void> {
    this.#stopped = true;
    await fault();
    await Promise.all(this.#writers);
  }
}

describe("PostgreSQL, the primary killed behind a stalled replication link, the replica promoted", () => {
  const postgres = useServers(() => startPostgres({ replicas: 1 }));

  async function lostAfterFailover(synchronous: "" | "*") {
    const cluster = postgres();
    const database = await cluster.createDatabase();
    await cluster.primary.query("CREATE TABLE entry (id int PRIMARY KEY)", [], database);
    await cluster.setSynchronous(synchronous);
    await cluster.caughtUp();
    const { primary } = cluster;
    const [replica] = cluster.replicas;
    if (!replica) throw new Error("one replica was asked for");

    const pools = Array.from({ length: WRITERS }, () => {
      const pool = new pg.Pool({
        ...primary.connection(database),
        max: 1,
        connectionTimeoutMillis: 1000,
      });
      pool.on("error", () => {});
      return pool;
    });
    const load = new Load((element, writer) =>
      (pools[writer] as pg.Pool).query("INSERT INTO entry VALUES ($1)", [element]),
    );
    await load.acked(WRITES_BEFORE_THE_FAULT);
    replica.replication.stall();
    if (synchronous === "") await load.acked(WRITES_AFTER_THE_STALL);
    else await eventually("every writer waits for the replica", () => allWait(primary));
    await load.endBy(() => primary.kill9());
    await cluster.promote(replica);
    await load.log.run({ kind: "read" }, async () => {
      const rows = await replica.query<{ id: number }>("SELECT id FROM entry", [], database);
      return rows.map((row) => row.id);
    });
    await Promise.all(pools.map((pool) => pool.end()));
    console.log(`synchronous_standby_names = '${synchronous}': ${load.log.summary("add").line}`);
    return checkSetFull(load.log.history());
  }

  test("loses acknowledged writes when replication is asynchronous, and the checker sees them", async () => {
    const result = await lostAfterFailover("");
    expect(result.lost.length).toBeGreaterThanOrEqual(LOST_WRITES);
    expect(result.valid).toBe(false);
  });

  test("loses none when commits wait for the replica", async () => {
    const result = await lostAfterFailover("*");
    expect(result.lost).toEqual([]);
    expect(result.stableCount).toBeGreaterThanOrEqual(WRITES_BEFORE_THE_FAULT);
    expect(result.valid).toBe(true);
  });
});

async function allWait(primary: PostgresNode): Promise<boolean> {
  const [row] = await primary.query<{ waiting: number }>(
    "SELECT count(*)::int AS waiting FROM pg_stat_activity WHERE wait_event = 'SyncRep'",
  );
  return row?.waiting === WRITERS;
}

describe("Redis, the primary killed behind a stalled replication link, the replica promoted", () => {
  const redis = useServers(() => startRedis({ replicas: 1 }));

  async function lostAfterFailover(
    write: (client: Redis, element: number) => Promise<unknown>,
    whileStalled: (load: Load) => Promise<void>,
  ) {
    const { primary, replicas } = redis();
    const [replica] = replicas;
    if (!replica) throw new Error("one replica was asked for");
    const clients = Array.from({ length: WRITERS }, () => {
      const client = new Redis({
        ...primary.via,
        maxRetriesPerRequest: 0,
        retryStrategy: () => null,
      });
      client.on("error", () => {});
      return client;
    });
    const load = new Load((element, writer) => write(clients[writer] as Redis, element));
    await load.acked(WRITES_BEFORE_THE_FAULT);
    replica.replication.stall();
    await whileStalled(load);
    await load.endBy(() => primary.kill9());
    await redis().promote(replica);
    await load.log.run({ kind: "read" }, async () =>
      ((await replica.command("SMEMBERS", "entries")) as string[]).map(Number),
    );
    for (const client of clients) client.disconnect();
    console.log(`Redis: ${load.log.summary("add").line}`);
    return checkSetFull(load.log.history());
  }

  test("loses acknowledged writes, and the checker sees them", async () => {
    const result = await lostAfterFailover(
      (client, element) => client.sadd("entries", element),
      (load) => load.acked(WRITES_AFTER_THE_STALL),
    );
    expect(result.lost.length).toBeGreaterThanOrEqual(LOST_WRITES);
    expect(result.valid).toBe(false);
  });

  test("loses none of the writes that WAIT 1 confirmed", async () => {
    const result = await lostAfterFailover(
      async (client, element) => {
        await client.sadd("entries", element);
        if ((await client.wait(1, 100)) < 1) throw new Error("Not on a replica yet");
      },
      (load) => load.unacked(WRITERS),
    );
    expect(result.lost).toEqual([]);
    expect(result.stableCount).toBeGreaterThanOrEqual(WRITES_BEFORE_THE_FAULT);
    expect(result.valid).toBe(true);
  });
});
