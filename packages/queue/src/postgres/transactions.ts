/**
 * Transactions of the application's, whatever it makes them with.
 *
 *     pg        the client that has sent BEGIN
 *     Drizzle   what `db.transaction(async (tx) => …)` gives
 *     Kysely    what `db.transaction().execute(async (trx) => …)` gives
 *     Knex      what `knex.transaction(async (trx) => …)` gives
 *
 * They are known by what they have, and none of them is imported. All values of ours are texts,
 * numbers, booleans or null, so that no builder turns a list into something else. What is no
 * transaction, a pool for instance, is refused: with it the job would be there whether the transaction
 * is committed or not.
 */

import type { PostgresQueryable } from "@headroom/core/postgres-client";

/** @throws TypeError when it is no transaction that is known. */
export function transactionOf(tx: unknown): PostgresQueryable {
  for (const adapt of [drizzle, kysely, knex, client]) {
    const transaction = adapt(tx);
    if (transaction !== undefined) return transaction;
  }
  throw new TypeError(
    "tx must be a transaction of pg (a client after BEGIN), Drizzle, Kysely or Knex, got something else",
  );
}

type Adapter = (tx: unknown) => PostgresQueryable | undefined;

const client: Adapter = (tx) => {
  // A pool runs each statement on another connection.
  if (!has(tx, "query") || "totalCount" in tx) return undefined;
  return {
    query: async (text, values) => resultOf(await tx.query(text, values)),
  };
};

const drizzle: Adapter = (tx) => {
  if (!has(tx, "execute") || !has(tx, "rollback") || !("session" in tx)) return undefined;
  const { session } = tx;
  if (!has(session, "prepareQuery")) return undefined;
  return {
    async query(text, values = []) {
      const statement = session.prepareQuery(
        { sql: text, params: values },
        undefined,
        undefined,
        false,
      );
      return resultOf(has(statement, "execute") ? await statement.execute() : undefined);
    },
  };
};

const kysely: Adapter = (tx) => {
  if (!has(tx, "executeQuery") || !("isTransaction" in tx) || tx.isTransaction !== true) {
    return undefined;
  }
  return {
    async query(text, values = []) {
      const query = { kind: "RawNode", sqlFragments: [text], parameters: [] };
      const queryId = { queryId: "headroom" };
      return resultOf(await tx.executeQuery({ sql: text, parameters: values, query, queryId }));
    },
  };
};

const knex: Adapter = (tx) => {
  if (typeof tx !== "function" || !has(tx, "raw")) return undefined;
  if (!("isTransaction" in tx) || tx.isTransaction !== true) return undefined;
  return {
    async query(text, values = []) {
      // Its own placeholders are question marks, one for each value.
      const bindings: unknown[] = [];
      const sql = text.replace(/\$(\d+)/g, (_, number) => {
        bindings.push(values[Number(number) - 1]);
        return "?";
      });
      return resultOf(await tx.raw(sql, bindings));
    },
  };
};

function has<Name extends string>(
  value: unknown,
  name: Name,
): value is Record<Name, (...given: unknown[]) => unknown> {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return false;
  return name in value && typeof (value as Record<string, unknown>)[name] === "function";
}

/** The rows, or an object that has them. */
function resultOf(result: unknown): { readonly rows: readonly Record<string, unknown>[] } {
  if (Array.isArray(result)) return { rows: result };
  if (typeof result === "object" && result !== null && "rows" in result) {
    return { rows: result.rows as readonly Record<string, unknown>[] };
  }
  return { rows: [] };
}
