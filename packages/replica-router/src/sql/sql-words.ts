/** The keywords that tell what a statement does. All others are names like any other. */

/** What a statement is by its first word; one that is not here writes. */
export type Head = "query" | "explain" | "begin" | "session" | "set" | "prepare" | "create";

export const HEADS: ReadonlyMap<string, Head> = new Map<string, Head>([
  ["select", "query"],
  ["with", "query"],
  ["values", "query"],
  ["table", "query"],
  ["show", "query"],
  ["explain", "explain"],
  ["begin", "begin"],
  ["start", "begin"],
  ["set", "set"],
  ["prepare", "prepare"],
  ["create", "create"],
  ["reset", "session"],
  ["discard", "session"],
  ["execute", "session"],
  ["deallocate", "session"],
  ["declare", "session"],
  ["fetch", "session"],
  ["move", "session"],
  ["close", "session"],
  ["listen", "session"],
  ["unlisten", "session"],
  ["load", "session"],
]);

/**
 * - `dml`: a part of a query that writes.
 * - `strength`: after FOR, what kind of lock it takes on rows.
 * - `between`: may stand between INTO or CREATE and TEMPORARY.
 */
export type BodyWord = "as" | "into" | "for" | "dml" | "strength" | "temporary" | "between";

export const BODY_WORDS: ReadonlyMap<string, BodyWord> = new Map<string, BodyWord>([
  ["as", "as"],
  ["into", "into"],
  ["for", "for"],
  ["insert", "dml"],
  ["update", "dml"],
  ["delete", "dml"],
  ["merge", "dml"],
  ["no", "strength"],
  ["key", "strength"],
  ["share", "strength"],
  ["temp", "temporary"],
  ["temporary", "temporary"],
  ["local", "between"],
  ["global", "between"],
  ["or", "between"],
  ["replace", "between"],
]);

/** SET and PREPARE with one of these is about the transaction and leaves nothing after it. */
export const OF_TRANSACTION: ReadonlySet<string> = new Set(["local", "transaction", "constraints"]);
