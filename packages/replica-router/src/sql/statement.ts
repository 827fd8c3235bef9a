/** What the text of a statement tells about where it may run. */

/** A statement's own word on where it wants to run, from a comment before it. */
export type RouteHint = "primary" | "replica";

export type Statement = { readonly hint?: RouteHint | undefined } & (
  | /** Changes nothing and reads nothing that only the primary has: may run on a replica. */
  { readonly kind: "read" }
  | {
      readonly kind: "write";
      /**
       * - `write`: it says so itself, or locks rows.
       * - `volatile`: it calls what may write, or reads what replicas do not have; `name` says which.
       * - `unsure`: the text could not be understood well enough to call it a read.
       */
      readonly reason: "write" | "volatile" | "unsure";
      readonly name?: string | undefined;
    } /** Leaves something on its connection: a setting, a lock, a temporary table, a subscription. */
  | {
      readonly kind: "session";
    } /** Opens a transaction. `undefined` where the text leaves it to the server's default. */
  | { readonly kind: "begin"; readonly readOnly: boolean | undefined }
);

/**
 * What a text does not tell: names as PostgreSQL folds them, without schema. Not changed once in use:
 * what has been worked out from a catalog is kept with it.
 */
export interface SqlCatalog {
  /** Functions that may write, of all schemas. */
  readonly volatileFunctions: ReadonlySet<string>;
  /**
   * Names not to be met on a replica: unlogged and foreign tables, sequences, views of these or of
   * volatile functions, and volatile functions that are called like a column (`row.f`).
   */
  readonly primaryRelations: ReadonlySet<string>;
}
