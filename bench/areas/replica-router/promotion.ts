/**
 * The primary is killed while writers write, each one insert after the other, and a replica is
 * promoted a while later.
 *
 * A write that was under way when the primary died has an unknown outcome: it must fail, and there is
 * one for each writer. One that fails after that was lost for nothing. A writer whose write has failed
 * takes a breath.
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { PostgresNode } from "@headroom/harness";
import pg from "pg";
import type { Better, FiguresVariant } from "../../src/area.ts";
import { ROWS, startStage } from "./cluster.ts";
import type { Database, OpenDatabase } from "./libraries.ts";

const WRITERS = 8;
const WRITES_BEFORE_MS = 1000;
const DEAD_BEFORE_PROMOTION_MS = 500;
const BREATH_MS = 10;
/** Longer is taken for ever. */
const OUTAGE_AT_MOST_MS = 3000;
const POLL_MS = 2;

type PromotionFigure = "failed-writes" | "write-outage-ms";

export const PROMOTION_FIGURES: Readonly<
  Record<PromotionFigure, { unit: string; better: Better }>
> = {
  "failed-writes": { unit: "a writer", better: "lower" },
  /** From the moment at which the new primary is one until it has taken a write. */
  "write-outage-ms": { unit: "ms", better: "lower" },
};

export function failover(open: OpenDatabase): FiguresVariant<PromotionFigure> {
  return async (resources) => {
    const { cluster, servers } = await startStage(resources);
    const [next] = cluster.replicas;
    if (next === undefined) throw new Error("there is no replica");
    const database = await open(servers, resources);
    const promotion = await promotionOf(next, resources);
    const writers = new Writers(database);
    await sleep(WRITES_BEFORE_MS);
    await cluster.primary.kill9();
    const killedMs = performance.now();
    await sleep(DEAD_BEFORE_PROMOTION_MS);
    const [promotedMs] = await Promise.all([promotion.poll(), cluster.promote(next)]);
    const acceptedMs = await writers.acceptedAfter(killedMs, promotedMs + OUTAGE_AT_MOST_MS);
    writers.stop();
    return {
      "failed-writes": writers.failed / WRITERS,
      "write-outage-ms": Math.max(0, acceptedMs - promotedMs),
    };
  };
}

class Writers {
  failed = 0;
  readonly #acceptedMs: number[] = [];
  readonly #database: Database;
  #lastId = ROWS;
  #isStopped = false;

  constructor(database: Database) {
    this.#database = database;
    for (let writer = 0; writer < WRITERS; writer++) void this.#write();
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** When the first write after `sinceMs` was accepted; `untilMs` when none was until then. */
  async acceptedAfter(sinceMs: number, untilMs: number): Promise<number> {
    for (;;) {
      const acceptedMs = this.#acceptedMs.find((ms) => ms > sinceMs);
      if (acceptedMs !== undefined) return acceptedMs;
      if (performance.now() >= untilMs) return untilMs;
      await sleep(POLL_MS);
    }
  }

  async #write(): Promise<void> {
    while (!this.#isStopped) {
      try {
        await this.#database.insert(++this.#lastId);
        this.#acceptedMs.push(performance.now());
      } catch {
        if (!this.#isStopped) this.failed++;
        await sleep(BREATH_MS);
      }
    }
  }
}

/** Resolves when `replica` says that it is none any more: pg_promote() waits in steps of 100 ms. */
async function promotionOf(replica: PostgresNode, resources: AsyncDisposableStack) {
  const client = new pg.Client(replica.connection("postgres", replica.direct));
  client.on("error", () => {});
  await client.connect();
  resources.defer(() => client.end());
  const poll = async (): Promise<number> => {
    for (;;) {
      const { rows } = await client.query<{ standby: boolean }>(
        "SELECT pg_is_in_recovery() AS standby",
      );
      if (rows[0]?.standby === false) return performance.now();
      await sleep(POLL_MS);
    }
  };
  return { poll };
}
