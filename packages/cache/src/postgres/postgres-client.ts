/**
 * The little that is asked of a client of PostgreSQL: what `pg`'s `Client`, `Pool` and `PoolClient`
 * have. The application makes it, and nothing here imports `pg`.
 */

/** Runs statements: a `Pool`, or a `Client`. */
export interface PostgresQueryable {
  query(
    text: string,
    values?: readonly unknown[],
  ): Promise<{ readonly rows: readonly Record<string, unknown>[] }>;
}

/** One connection, not yet made: `new pg.Client(…)`. */
export interface PostgresConnection extends PostgresQueryable {
  connect(): Promise<unknown>;
  end(): Promise<void>;
  on(
    event: "notification",
    listener: (message: {
      readonly channel: string;
      readonly payload?: string | undefined;
    }) => void,
  ): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "end", listener: () => void): unknown;
}
