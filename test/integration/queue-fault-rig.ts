/** A queue under faults: who adds, who works, and the account of both. */

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import {
  checkTotalQueue,
  createRecorder,
  eventually,
  type Recorder,
  type TotalQueueResult,
} from "@headroom/harness";
import { createQueues, type QueueDriver } from "@headroom/queue";
import { Redis } from "ioredis";
import {
  type FaultJob,
  faultQueue,
  type ToParent,
  type WorkerOrders,
} from "./queue-fault-orders.ts";

const PROGRAM = fileURLToPath(new URL("queue-fault-worker.ts", import.meta.url));
const DEFAULTS = {
  leaseMs: 1_500,
  concurrency: 10,
  prefetch: 0,
  jobMs: 10,
  blockMs: 0,
  hangsAfterEffect: false,
  skewMs: 0,
} as const;

/** Of the worker's own server. */
export type WorkerServer = Pick<WorkerOrders, "redis" | "postgres">;
type Wishes = Partial<Omit<WorkerOrders, "ledger" | "ledgerKey">>;

/** An effect in the ledger. */
export interface Effect {
  readonly index: number;
  readonly attempt: number;
  readonly key: string | undefined;
}

/** A worker's process. It ends with the rig, whatever was done to it. */
export class FaultWorker {
  readonly #child: ChildProcess;
  readonly told: ToParent[] = [];

  constructor(orders: WorkerOrders) {
    this.#child = fork(PROGRAM, [JSON.stringify(orders)], {
      execArgv: ["--conditions=@headroom/source"],
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.#child.on("message", (message: ToParent) => this.told.push(message));
  }

  ready(): Promise<void> {
    return this.hears("ready", 1);
  }

  /** Resolves when so many messages of this kind have come. */
  async hears(kind: ToParent["kind"], count: number): Promise<void> {
    await eventually(`${count} × ${kind}`, () => this.count(kind) >= count);
  }

  count(kind: ToParent["kind"]): number {
    return this.told.filter((message) => message.kind === kind).length;
  }

  /** Codes with which signals of jobs were aborted. */
  get aborts(): string[] {
    return this.told.flatMap((message) => (message.kind === "aborted" ? [message.code] : []));
  }

  async kill9(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await ended;
  }

  pause(): void {
    this.#child.kill("SIGSTOP");
  }

  resume(): void {
    this.#child.kill("SIGCONT");
  }

  /** What it had counted when it was stopped. */
  async stop(softMs = 5_000): Promise<Readonly<Record<string, number>>> {
    const ended = once(this.#child, "exit");
    this.#child.send({ kind: "stop", softMs });
    await ended;
    const last = this.told.find((message) => message.kind === "stopped");
    return last?.kind === "stopped" ? last.stats : {};
  }
}

let rigs = 0;

/** Jobs go in here, and come out in the ledger. */
export class FaultRig {
  readonly #server: WorkerServer;
  readonly #ledger: Redis;
  readonly #ledgerKey: string;
  readonly #workers: FaultWorker[] = [];
  readonly #recorder: Recorder = createRecorder();
  readonly #queues;
  #next = 0;

  /** @param ledger a Redis that no fault strikes. */
  constructor(
    server: WorkerServer,
    driver: QueueDriver,
    ledger: { readonly host: string; readonly port: number },
    leaseMs: number = DEFAULTS.leaseMs,
  ) {
    rigs += 1;
    this.#server = server;
    this.#ledger = new Redis({ ...ledger });
    this.#ledgerKey = `ledger-${rigs}`;
    this.#queues = createQueues({ driver, queues: { work: faultQueue({ leaseMs }) } });
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
      ...this.#server,
      ...wishes,
      ledger: { host, port },
      ledgerKey: this.#ledgerKey,
    });
    this.#workers.push(worker);
    await worker.ready();
    return worker;
  }

  /** Adds so many jobs, one after the other; what became of each is on record. */
  async add(count: number, key?: (index: number) => string): Promise<void> {
    for (let at = 0; at < count; at++) await this.#addOne(key);
  }

  /** The same, many at a time. */
  async addMany(count: number, key?: (index: number) => string): Promise<void> {
    await Promise.all(Array.from({ length: count }, () => this.#addOne(key)));
  }

  async #addOne(key: ((index: number) => string) | undefined): Promise<void> {
    const index = this.#next++;
    const data: FaultJob = { index, ...(key && { key: key(index) }) };
    await this.#recorder.run({ kind: "enqueue", value: index }, async () => {
      await this.#queues.work.add(data);
      return index;
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

  /** Resolves when nothing is left in the queue: a worker must be there. */
  async drained(): Promise<void> {
    await eventually("the queue is empty", async () => {
      const { ready, active, delayed } = await this.queue.stats().catch(() => UNKNOWN);
      return ready + active + delayed === 0;
    });
  }

  /** What went in against what came out, and each key's order. */
  async account(): Promise<
    TotalQueueResult & { readonly duplicates: number; readonly outOfOrder: number }
  > {
    const effects = await this.effects();
    const now = this.#recorder.nowMs();
    const span = { startMs: now, endMs: now, startIndex: Infinity, endIndex: Infinity } as const;
    const drain = {
      ...span,
      kind: "drain",
      outcome: "ok",
      result: effects.map(({ index }) => index),
    } as const;
    const result = checkTotalQueue([...this.#recorder.history(), drain]);
    return {
      ...result,
      duplicates: effects.length - new Set(effects.map(({ index }) => index)).size,
      outOfOrder: outOfOrder(effects),
    };
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.kill9()));
    await this.#queues.close();
    this.#ledger.disconnect();
  }
}

const UNKNOWN = { ready: 1, active: 0, delayed: 0 } as const;

/** First effects that come after one of a later job of their key. */
export function outOfOrder(effects: readonly Effect[]): number {
  const latest = new Map<string, number>();
  const seen = new Set<number>();
  let count = 0;
  for (const { index, key } of effects) {
    if (key === undefined || seen.has(index)) continue;
    seen.add(index);
    if (index < (latest.get(key) ?? -1)) count += 1;
    else latest.set(key, index);
  }
  return count;
}
