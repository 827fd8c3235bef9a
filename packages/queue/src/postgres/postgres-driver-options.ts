/** What the application may say about the driver. */

import { type Clock, systemClock } from "@headroom/core/clock";
import {
  requireBoolean,
  requireClock,
  requireFunction,
  requireKnownOptions,
  requirePositive,
} from "@headroom/core/options";
import { type Random, systemRandom } from "@headroom/core/random";
import type { PostgresListen } from "./listening-connection.ts";
import { DEFAULT_SCHEMA } from "./queue-migrations.ts";

export interface PostgresDriverOptions {
  /** Of its own, for its tables and functions. @default "headroom_queue" */
  readonly schema?: string | undefined;
  /** Makes the tables when they are first needed. False: `migrations()` is run otherwise. @default true */
  readonly migrate?: boolean | undefined;
  /**
   * The connection on which it listens: `() => new pg.Client(url)`, past PgBouncer. False: none, jobs
   * are found by polling.
   * @default one of the pool's connections, if the pool has more than one
   */
  readonly listen?: PostgresListen | undefined;
  /** How often it is looked for jobs that nobody has told of, on average, in milliseconds. @default 1_000 */
  readonly pollMs?: number | undefined;
  /** Between two notifications of this process, in milliseconds. @default 20 */
  readonly notifyEveryMs?: number | undefined;
  /** How often the listening connection is asked whether it is alive, in milliseconds. @default 3_000 */
  readonly checkEveryMs?: number | undefined;
  /** For each statement, with the wait for a connection, in milliseconds. @default 10_000 */
  readonly timeoutMs?: number | undefined;
  /** A transaction open for so long is told of on `headroom.queue.vacuum`, in milliseconds. @default 300_000 */
  readonly oldTransactionMs?: number | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
}

const KNOWN: readonly (keyof PostgresDriverOptions)[] = [
  ...(["schema", "migrate", "listen", "pollMs", "notifyEveryMs", "checkEveryMs"] as const),
  ...(["timeoutMs", "oldTransactionMs", "clock", "random"] as const),
];

export type ResolvedOptions = Required<{
  [Name in keyof Omit<PostgresDriverOptions, "listen">]: NonNullable<PostgresDriverOptions[Name]>;
}>;

/**
 * All but `listen` with their defaults.
 * @throws TypeError or RangeError naming the option that is wrong.
 */
export function resolveOptions(options: PostgresDriverOptions): ResolvedOptions {
  requireKnownOptions("postgresDriver", options, KNOWN);
  return {
    schema: options.schema ?? DEFAULT_SCHEMA,
    migrate: requireBoolean("migrate", options.migrate ?? true),
    pollMs: requirePositive("pollMs", options.pollMs ?? 1_000),
    notifyEveryMs: requirePositive("notifyEveryMs", options.notifyEveryMs ?? 20),
    checkEveryMs: requirePositive("checkEveryMs", options.checkEveryMs ?? 3_000),
    timeoutMs: requirePositive("timeoutMs", options.timeoutMs ?? 10_000),
    oldTransactionMs: requirePositive("oldTransactionMs", options.oldTransactionMs ?? 300_000),
    clock: requireClock("clock", options.clock ?? systemClock),
    random: requireFunction("random", options.random ?? systemRandom),
  };
}
