/**
 * The parts of `pg` that are used. The application passes its own copy in, so that
 * `instanceof pg.Pool` holds for what it gets back; this package never imports pg.
 */

/** What a query resolves with: of it only the rows are ours to look at. */
export interface PgResult {
  readonly rows: readonly Record<string, unknown>[];
}

export type PgCallback = (error: Error | null | undefined, result?: PgResult) => void;

/** Cursors, streams and COPY: objects that talk to the connection themselves. */
export interface Submittable {
  submit(connection: unknown): unknown;
  handleError?(error: Error, connection?: unknown): void;
  readonly text?: string;
  /** Of a query stream, which wraps one. */
  readonly cursor?: { readonly text?: string };
  callback?: PgCallback;
}

export interface QueryObject {
  readonly text: string;
  readonly values?: readonly unknown[];
  readonly callback?: PgCallback;
  /** Ours: where this one statement is to run. */
  readonly route?: "primary" | "replica" | undefined;
}

/** A message of the server about one of its settings. */
export interface ParameterStatus {
  readonly parameterName: string;
  readonly parameterValue: string;
}

export interface PgConnection {
  readonly stream: { destroy(error?: Error): void };
  on(event: "parameterStatus", listener: (message: ParameterStatus) => void): unknown;
}

export interface PgClient {
  readonly connection: PgConnection;
  readonly processID?: number | null;
  connect(): Promise<unknown>;
  end(): Promise<void>;
  /** Lets the process end while it is open. */
  unref?(): void;
  query(text: string): Promise<PgResult>;
  query(
    query: string | QueryObject | Submittable,
    values: unknown,
    callback: PgCallback | undefined,
  ): unknown;
  /** `I` idle, `T` in a transaction, `E` in one that has failed, null before the first answer. */
  getTransactionStatus(): string | null;
  on(event: string, listener: (...given: never[]) => void): unknown;
  once(event: string, listener: (...given: never[]) => void): unknown;
  off(event: string, listener: (...given: never[]) => void): unknown;
}

export interface PooledClient extends PgClient {
  release(error?: Error | boolean): void;
}

export interface PgPool {
  readonly options: Record<string, unknown>;
  readonly totalCount: number;
  readonly idleCount: number;
  readonly waitingCount: number;
  readonly expiredCount?: number;
  connect(callback: (error: Error | undefined, client?: PooledClient) => void): void;
  end(): Promise<void>;
  on(event: string, listener: (...given: never[]) => void): unknown;
  emit(event: string, ...given: unknown[]): boolean;
  listenerCount(event: string): number;
}

/** A connection's configuration as `pg.Client` takes it. */
export type ConnectionConfig = Readonly<Record<string, unknown>>;

export interface PgModule {
  readonly Pool: new (config: ConnectionConfig) => PgPool;
  readonly Client: new (config: ConnectionConfig) => PgClient;
}
