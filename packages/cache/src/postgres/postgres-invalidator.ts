/**
 * Invalidation by the database itself: whoever changes a row, also by hand or in another language,
 * invalidates what is cached of it.
 *
 * Triggers tell the keys of changed rows when their transaction commits; this process hears them
 * and invalidates, which the cache's bus tells to all others. One listener in the fleet is enough;
 * several do no harm. After a time in which it could not hear, all values of the definitions that
 * depend on the tables are cleared.
 *
 * It is as quick as a notification and an invalidation, some milliseconds after the commit, and not
 * part of it: a reader may see the old value in between. Who must not, invalidates by itself as
 * well, after its commit.
 */

import { type Clock, systemClock } from "@headroom/core/clock";
import {
  requireClock,
  requireFunction,
  requireKnownOptions,
  requireMethods,
  requireNonNegative,
  requirePositive,
  requireText,
} from "@headroom/core/options";
import { type Random, systemRandom } from "@headroom/core/random";
import { ChangeListener } from "./change-listener.ts";
import { installTriggers, parseChange, type WatchedTable } from "./change-trigger.ts";
import type { PostgresConnection, PostgresQueryable } from "./postgres-client.ts";

/** What is needed of a cache. */
interface Clears {
  clear(definition: string): Promise<unknown>;
  invalidateTags(tags: readonly string[]): Promise<unknown>;
}

/** What is needed of a definition, whatever it is of. */
interface Invalidates<Id> {
  readonly name: string;
  invalidate(id: Id, options?: { readonly holdForMs?: number | undefined }): Promise<unknown>;
}

/** What follows from a changed row. `columns` are the values of its key columns, as text. */
export interface TableInvalidation extends WatchedTable {
  /** What is cached by this key. */
  readonly invalidate: readonly {
    // biome-ignore lint/suspicious/noExplicitAny: definitions of all kinds in one list
    readonly definition: Invalidates<any>;
    /** The id of the value by the key columns; several are a list of ids. */
    readonly ids: (columns: readonly (string | null)[]) => readonly unknown[];
  }[];
  /** Tags to be invalidated besides. @default none */
  readonly tags?: ((columns: readonly (string | null)[]) => readonly string[]) | undefined;
}

export interface PostgresInvalidatorOptions {
  readonly cache: Clears;
  /** Makes a connection of its own to the primary: `() => new pg.Client(url)`. It is closed here. */
  readonly connect: () => PostgresConnection;
  readonly tables: readonly TableInvalidation[];
  /** @default "headroom_cache" */
  readonly channel?: string | undefined;
  /**
   * As in `invalidate`: for so long nothing is stored under a changed key, for loaders that read
   * from replicas.
   * @default 0
   */
  readonly holdForMs?: number | undefined;
  /**
   * How often the connection is asked whether it is alive, in milliseconds.
   * @default 10_000
   */
  readonly checkEveryMs?: number | undefined;
  /** Told what went wrong: it is tried again by itself. @default nothing */
  readonly onError?: ((reason: unknown) => void) | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
}

export interface PostgresInvalidator extends AsyncDisposable {
  /**
   * Creates the triggers in this database, or replaces them; any number of processes may.
   * @throws TypeError when a table or column does not exist.
   */
  install(database: PostgresQueryable): Promise<void>;
  close(): Promise<void>;
}

const KNOWN: readonly (keyof PostgresInvalidatorOptions)[] = [
  "cache",
  "connect",
  "tables",
  "channel",
  "holdForMs",
  "checkEveryMs",
  "onError",
  "clock",
  "random",
];

/**
 * Listens from now on.
 * @throws TypeError or RangeError when an option is unknown or wrong.
 */
export function postgresInvalidator(options: PostgresInvalidatorOptions): PostgresInvalidator {
  requireKnownOptions("postgresInvalidator", options, KNOWN);
  const { cache, tables } = options;
  requireMethods("cache", cache, ["clear", "invalidateTags"]);
  const channel = requireText("channel", options.channel ?? "headroom_cache");
  const holdForMs = requireNonNegative("holdForMs", options.holdForMs ?? 0);
  const onError = requireFunction("onError", options.onError ?? (() => {}));
  const byTable = new Map(tables.map((table) => [requireText("table", table.table), table]));

  /** Whatever an invalidation cannot do now, the cache itself tries again. */
  const attempt = (work: () => Promise<unknown>[]): void => {
    try {
      for (const done of work()) done.catch(onError);
    } catch (reason) {
      onError(reason);
    }
  };
  const clearTable = (table: TableInvalidation): void =>
    attempt(() =>
      [...new Set(table.invalidate.map(({ definition }) => definition.name))].map((name) =>
        cache.clear(name),
      ),
    );
  const clearAll = (): void => {
    for (const table of tables) clearTable(table);
  };
  const changed = (table: TableInvalidation, columns: readonly (string | null)[]): void =>
    attempt(() => [
      ...table.invalidate.flatMap(({ definition, ids }) =>
        ids(columns).map((id) => definition.invalidate(id, { holdForMs })),
      ),
      ...(table.tags === undefined ? [] : [cache.invalidateTags(table.tags(columns))]),
    ]);

  const listener = new ChangeListener({
    connect: requireFunction("connect", options.connect),
    channel,
    notified(payload) {
      const change = parseChange(payload);
      const table = change && byTable.get(change.table);
      if (change === undefined) clearAll();
      else if (table === undefined) return;
      else if (change.key === null) clearTable(table);
      else changed(table, change.key);
    },
    missed: clearAll,
    failed: onError,
    checkEveryMs: requirePositive("checkEveryMs", options.checkEveryMs ?? 10_000),
    clock: requireClock("clock", options.clock ?? systemClock),
    random: requireFunction("random", options.random ?? systemRandom),
  });
  const close = (): Promise<void> => listener.close();
  return {
    install: (database) => installTriggers(database, channel, tables),
    close,
    [Symbol.asyncDispose]: close,
  };
}
