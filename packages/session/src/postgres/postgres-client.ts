/** The little of `pg` that is needed: a `Pool` has it. No package of ours imports pg. */

export interface PostgresResult {
  readonly rows: readonly Record<string, unknown>[];
  readonly rowCount: number | null;
}

export interface PostgresPool {
  query(text: string, values?: unknown[]): Promise<PostgresResult>;
}
