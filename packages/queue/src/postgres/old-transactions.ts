/**
 * A transaction that has been open for hours keeps dead rows of *all* tables from being vacuumed. A
 * table whose rows live for milliseconds is the first to suffer: claims get slower by the minute, and
 * nothing in the queue says why. So it is looked for now and then, and told.
 */

import { queueVacuum } from "@headroom/core/channels";
import type { Clock } from "@headroom/core/clock";
import type { Row } from "./statements.ts";

export interface OldTransactionsOptions {
  /** From when on it is told. */
  readonly oldMs: number;
  readonly clock: Clock;
  readonly run: (queue: string, text: string, values: unknown[]) => Promise<readonly Row[]>;
}

const EVERY_MS = 60_000;

/** What is seen of others' transactions without rights is little, but their age is. */
const OLDEST = `
  SELECT max(extract(epoch FROM clock_timestamp() - xact_start))::float8 * 1000 AS age
    FROM pg_stat_activity
   WHERE backend_xmin IS NOT NULL AND datname = current_database() AND pid <> pg_backend_pid()
     AND backend_type = 'client backend'`;

export class OldTransactions {
  readonly #options: OldTransactionsOptions;
  #nextMs = 0;

  constructor(options: OldTransactionsOptions) {
    this.#options = options;
  }

  /** Asks the server once a minute, whoever calls. */
  async look(queue: string): Promise<void> {
    const { oldMs, clock, run } = this.#options;
    const nowMs = clock.monotonicNow();
    if (nowMs < this.#nextMs) return;
    this.#nextMs = nowMs + EVERY_MS;
    const [row] = await run(queue, OLDEST, []);
    const transactionMs = Number(row?.["age"] ?? 0);
    if (transactionMs < oldMs) return;
    queueVacuum.publish(() => ({
      queue,
      system: "postgresql",
      transactionMs,
      atMs: clock.now(),
    }));
  }
}
