/** A queue under faults: who adds, who works, and the account of both. */

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import {
  createRecorder,
  type Endpoint,
  eventually,
  type PostgresNode,
  type Recorder,
  type RedisNode,
  testSeed,
} from "@headroom/harness";
import { createQueues, type Job, type QueueDriver, type Worker } from "@headroom/queue";
import { migrations, postgresDriver } from "@headroom/queue/postgres";
import { redisDriver } from "@headroom/queue/redis";
import { Redis } from "ioredis";
import pg from "pg";
import { type Account, accountOf, type Effect } from "./queue-fault-account.ts";
import {
  type FaultJob,
  faultQueue,
  REDIS_CLIENT,
  TIMEOUT_MS,
  type ToParent,
  type ToWorker,
  type WorkerOrders,
} from "./queue-fault-orders.ts";

const PROGRAM = fileURLToPath(new URL("queue-fault-worker.ts", import.meta.url));
/** Short, so that what dies is missed soon; long against the pauses of a busy machine. */
export const LEASE_MS = 1_500;
const DEFAULTS = {
  leaseMs: LEASE_MS,
  concurrency: 20,
  prefetch: 0,
  jobMs: 10,
  heedsSignal: false,
  blockMs: 0,
  hangsAfterEffect: false,
  skewMs: 0,
} as const;

/** A server under test: how workers reach it, and a client for who adds. */
export interface FaultServer {
  readonly name: string;
  readonly orders: Pick<WorkerOrders, "redis" | "postgres">;
  readonly driver: QueueDriver;
  close(): Promise<void>;
}

type Wishes = Partial<Omit<WorkerOrders, "ledger" | "ledgerKey">>;

export function redisServer(node: RedisNode): FaultServer {
  const client = new Redis({ ...node.via, ...REDIS_CLIENT });
  client.on("error", () => {});
  return {
    name: "Redis",
    orders: { redis: node.via },
    driver: redisDriver(client, { timeoutMs: TIMEOUT_MS }),
    close: async () => client.disconnect(),
  };
}

export async function postgresServer(node: PostgresNode, database: string): Promise<FaultServer> {
  // Not by who has a short deadline.
  await node.query(migrations(), [], database);
  const pool = new pg.Pool({ ...node.connection(database), max: 5 });
  pool.on("error", () => {});
  return {
    name: "PostgreSQL",
    orders: { postgres: node.url(database) },
    driver: postgresDriver(pool, { timeoutMs: TIMEOUT_MS }),
    close: () => pool.end(),
  };
}

/** What a worker has told, and when it was heard. */
export type Told = ToParent & { readonly atMs: number };

export type Measured = Extract<ToParent, { readonly kind: "measured" }>;

/** A worker's process. It ends with the rig, whatever was done to it. */
export class FaultWorker {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #told: Told[] = [];

  constructor(orders: WorkerOrders) {
    this.#child = fork(PROGRAM, [JSON.stringify(orders)], {
      execArgv: ["--conditions=@headroom/source", "--expose-gc"],
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.#ended = Promise.all([once(this.#child, "exit"), once(this.#child, "disconnect")]);
    this.#child.on("message", (message: ToParent) => {
      this.#told.push({ ...message, atMs: performance.now() });
    });
  }

  get told(): readonly Told[] {
    return this.#told;
  }

  ready(): Promise<void> {
    return this.hears("ready", 1);
  }

  /** Resolves when so many messages of this kind have come. */
  async hears(kind: ToParent["kind"], count: number): Promise<void> {
    await eventually(`${count} × ${kind}`, () => {
      if (this.count(kind) >= count) return true;
      if (!this.#child.connected) throw new Error("the worker has ended");
      return false;
    });
  }

  has(message: Extract<ToParent, { readonly attempt: number }>): boolean {
    const { kind, index, attempt } = message;
    return this.#told.some(
      (each) => each.kind === kind && each.index === index && each.attempt === attempt,
    );
  }

  count(kind: ToParent["kind"]): number {
    return this.#told.filter((message) => message.kind === kind).length;
  }

  /** Jobs that it has begun, and that have no effect of its so far. */
  get unfinished(): number[] {
    const open = new Set<number>();
    for (const message of this.#told) {
      if (message.kind === "started") open.add(message.index);
      else if (message.kind === "effect") open.delete(message.index);
    }
    return [...open];
  }

  /** When it has begun each job for the last time. */
  get startsMs(): ReadonlyMap<number, number> {
    return new Map(
      this.#told.flatMap((each) => (each.kind === "started" ? [[each.index, each.atMs]] : [])),
    );
  }

  /** Codes with which signals of jobs were aborted. */
  get aborts(): string[] {
    return this.#told.flatMap((message) => (message.kind === "aborted" ? [message.code] : []));
  }

  /** Resolves when it is gone, and all that it had told is heard. */
  async kill9(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended;
  }

  /** What it needs at the moment. */
  async measure(): Promise<Measured> {
    const before = this.count("measured");
    this.#send({ kind: "measure" });
    await this.hears("measured", before + 1);
    const last = this.#told.findLast((message) => message.kind === "measured");
    if (last?.kind !== "measured") throw new Error("it has not measured");
    return last;
  }

  pause(): void {
    this.#child.kill("SIGSTOP");
  }

  resume(): void {
    this.#child.kill("SIGCONT");
  }

  /** What it had counted when it was stopped. */
  async stop(softMs = 5_000): Promise<Readonly<Record<string, number>>> {
    this.#send({ kind: "stop", softMs });
    await this.#ended;
    const last = this.#told.find((message) => message.kind === "stopped");
    if (last?.kind !== "stopped") throw new Error("the worker ended without stopping");
    return last.stats;
  }

  #send(message: ToWorker): void {
    this.#child.send(message);
  }
}

let rigs = 0;

/** Jobs go in here, and come out in the ledger. */
export class FaultRig {
  readonly #server: FaultServer;
  readonly #ledger: Redis;
  readonly #ledgerKey: string;
  readonly #workers: FaultWorker[] = [];
  readonly #recorder: Recorder = createRecorder();
  readonly #queues;
  #next = 0;

  /** @param ledger a Redis that no fault strikes. */
  constructor(server: FaultServer, ledger: Endpoint) {
    rigs += 1;
    this.#server = server;
    this.#ledger = new Redis({ ...ledger });
    this.#ledgerKey = `ledger-${rigs}`;
    const work = faultQueue({ leaseMs: LEASE_MS });
    this.#queues = createQueues({ driver: server.driver, queues: { work } });
  }

  /** The queue, for whatever a test asks of it. */
  get queue() {
    return this.#queues.work;
  }

  /** Starts a worker; resolves when it works. */
  async worker(wishes: Wishes = {}): Promise<FaultWorker> {
    const { host = "", port = 0 } = this.#ledger.options;
    const worker = new FaultWorker({
      ...DEFAULTS,
      ...this.#server.orders,
      ...wishes,
      ledger: { host, port },
      ledgerKey: this.#ledgerKey,
    });
    this.#workers.push(worker);
    await worker.ready();
    return worker;
  }

  /** A worker of this process. */
  workHere(concurrency: number): Worker {
    const work = async ({ data, attempt }: Job<FaultJob>): Promise<void> => {
      await wait(DEFAULTS.jobMs);
      const line = JSON.stringify([data.index, attempt, data.key ?? null]);
      await this.#ledger.rpush(this.#ledgerKey, line);
    };
    return this.#queues.worker({ work }, { concurrency });
  }

  /** Adds so many jobs at once; what became of each is on record. */
  async add(count: number, options: AddOptions = {}): Promise<void> {
    await Promise.all(Array.from({ length: count }, () => this.#addOne(options)));
  }

  /** Adds one job after the other, so many in a row at a time, until told to end. */
  producer(rows: number, options: AddOptions = {}): Producer {
    let over = false;
    const row = async (): Promise<void> => {
      while (!over) {
        await this.#addOne(options);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    const running = Promise.all(Array.from({ length: rows }, row));
    return {
      end: async () => {
        over = true;
        await running;
      },
    };
  }

  /** How many were acknowledged so far. */
  get acknowledged(): number {
    return this.#recorder.history().filter(({ outcome }) => outcome === "ok").length;
  }

  /** Of the first so many jobs, those that were acknowledged. */
  acknowledgedBefore(index: number): number[] {
    return this.#recorder
      .history()
      .flatMap(({ outcome, value }) => (outcome === "ok" ? [Number(value)] : []))
      .filter((each) => each < index);
  }

  /** Codes of the errors with which adding failed. */
  get refusals(): string[] {
    return this.#recorder
      .history()
      .flatMap((each) =>
        "error" in each ? [String((each.error as { code?: unknown }).code)] : [],
      );
  }

  async #addOne({ key, ...options }: AddOptions): Promise<void> {
    const index = this.#next++;
    const data: FaultJob = { index, ...(key && { key: key(index) }) };
    await this.#recorder.run({ kind: "enqueue", value: index }, async () => {
      await this.#queues.work.add(data, options);
    });
  }

  /** In the order in which they were written. */
  async effects(): Promise<Effect[]> {
    const lines = await this.#ledger.lrange(this.#ledgerKey, 0, -1);
    return lines.map((line) => {
      const [index, attempt, key] = JSON.parse(line) as [number, number, string | null];
      return { index, attempt, key: key ?? undefined };
    });
  }

  effectCount(): Promise<number> {
    return this.#ledger.llen(this.#ledgerKey);
  }

  /** Resolves when so many effects are there. */
  async reaches(count: number): Promise<void> {
    await eventually(`${count} effects`, async () => (await this.effectCount()) >= count);
  }

  /** Resolves when nothing is left in the queue: a worker must be there. */
  async drained(): Promise<void> {
    await eventually("the queue is empty", async () => {
      const { ready, active, delayed } = await this.queue.stats();
      return ready + active + delayed === 0;
    });
  }

  /** What went in against what came out, and each key's order; printed with `figures`. */
  async account(row: string, figures: Readonly<Record<string, unknown>> = {}): Promise<Account> {
    const account = accountOf(this.#recorder.history(), await this.effects());
    const { attemptCount, acknowledgedCount, duplicates, outOfOrder, highestAttempt } = account;
    const shown = {
      attempts: attemptCount,
      acked: acknowledgedCount,
      done: account.okCount,
      lost: account.lost.length,
      unexpected: account.unexpected.length,
      recovered: account.recovered.length,
      ...{ duplicates, outOfOrder, highestAttempt },
      ...figures,
      seed: testSeed().value,
    };
    console.log(`${this.#server.name}, ${row}: ${JSON.stringify(shown)}`);
    return account;
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.kill9()));
    await this.#queues.close();
    await this.#server.close();
    this.#ledger.disconnect();
  }
}

export interface AddOptions {
  readonly key?: (index: number) => string;
  readonly delayMs?: number;
  /** A transaction, where the driver has them. */
  readonly tx?: unknown;
}

export interface Producer {
  /** Resolves when all that it was adding has an outcome. */
  end(): Promise<void>;
}

/** So many keys, in turn. */
export function keysOf(count: number): (index: number) => string {
  return (index) => `key-${index % count}`;
}

/**
 * Kills a server with `appendfsync everysec`, and nothing else: its log is written before a reply
 * goes out, unless an fsync is under way, when it may be late by a second. So nothing passes any more
 * while the rest is written, and what is under way has no answer.
 */
export async function killWhenWritten(server: RedisNode): Promise<void> {
  server.link.stall();
  await eventually("the log is written", async () => {
    const info = String(await server.command("INFO", "persistence"));
    return /^aof_buffer_length:0\r?$/m.test(info);
  });
  await server.kill9();
  server.link.open();
}

/** The jobs whose data are in these records of a server. */
export function indexesIn(records: readonly string[]): Set<number> {
  return new Set(records.map((record) => Number(/"index":(\d+)/.exec(record)?.[1])));
}

export const wait = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, ms));
