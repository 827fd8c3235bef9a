/**
 * A `pg.Pool` over several servers.
 *
 * It is a real subclass of the application's own `pg.Pool`, because libraries ask (`instanceof`), but it
 * keeps no connection itself: behind it are one pool for each server, a monitor that knows which of
 * them is what, and a router that sends each statement where it belongs.
 */

import type { ConnectionConfig, PgPool, PgResult } from "../pg-module.ts";
import { formatToken, parseToken } from "../session/token.ts";
import type { RouteHint } from "../sql/statement.ts";
import { queryArguments } from "./query-arguments.ts";
import { answer, type ReplicaClient } from "./replica-client.ts";
import { type ReplicaPoolOptions, replicaPoolSettings } from "./replica-pool-options.ts";
import { type ReplicaPoolStats, RoutedDatabase } from "./routed-database.ts";
import { runTransaction, type TransactionOptions } from "./transaction.ts";

/** The session that a call belongs to: of `run` or of the middleware, else of the whole process. */
export interface ReplicaSession {
  /** It has written, or was begun with a token: whoever goes on with it needs one. */
  readonly needsToken: boolean;
  /** It has written since its token was found out last. */
  readonly hasUnplacedWrites: boolean;
  /**
   * All that it has written and seen, for whoever goes on with it: the next request, a job. Asks the
   * primary once if it has written. Undefined when there is nothing to be seen.
   */
  token(): Promise<string | undefined>;
}

/** The client of a transaction: what the application's own pool gives. */
type ClientOf<Pool> = Pool extends {
  connect(callback: (error: never, client: infer Client, done: never) => void): void;
}
  ? Exclude<Client, undefined>
  : never;

/** What a replica pool has beside what `pg.Pool` has. */
export interface ReplicaPoolExtras<Pool> extends AsyncDisposable {
  /** The same pool, for what has to run on the primary. */
  readonly primary: Pool;
  /** The same pool, for reads that may be old: any replica, however far behind. */
  readonly replica: Pool;
  readonly session: ReplicaSession;
  /** Runs `work` as a session of its own. */
  run<Result>(work: () => Result): Result;
  /** Runs `work` as the continuation of a session. What is no token is taken for none. */
  run<Result>(token: string | undefined, work: () => Result): Result;
  /**
   * Runs `work` in a transaction: COMMIT when it resolves, ROLLBACK when it rejects.
   * @throws what `work` throws, and what PostgreSQL says.
   */
  transaction<Result>(
    work: (client: ClientOf<Pool>) => Promise<Result>,
    options?: TransactionOptions,
  ): Promise<Result>;
  stats(): ReplicaPoolStats;
}

export type ReplicaPool<Pool> = Pool & ReplicaPoolExtras<Pool>;

/** Which `Pool` the application's `pg` has. */
type PoolOf<Pg> = Pg extends { readonly Pool: new (...given: never[]) => infer Pool }
  ? Pool
  : never;

/**
 * A drop-in for `new pg.Pool(…)` over a primary and its replicas. It looks at the servers from now on;
 * `end()` stops that.
 *
 * @throws TypeError or RangeError naming the option that is wrong.
 */
export function createReplicaPool<Pg extends ReplicaPoolOptions["pg"]>(
  options: ReplicaPoolOptions & { readonly pg: Pg },
): ReplicaPool<PoolOf<Pg>> {
  const settings = replicaPoolSettings(options);
  const Pool = replicaPoolClass(settings.pg.Pool);
  return new Pool(settings) as unknown as ReplicaPool<PoolOf<Pg>>;
}

type Settings = ReturnType<typeof replicaPoolSettings>;
type ReplicaPoolClass = new (settings: Settings) => PgPool;

const classes = new WeakMap<object, ReplicaPoolClass>();

/** One class for each copy of `pg`. */
function replicaPoolClass(Pool: new (config: ConnectionConfig) => PgPool): ReplicaPoolClass {
  const known = classes.get(Pool) ?? makeClass(Pool);
  classes.set(Pool, known);
  return known;
}

function makeClass(Pool: new (config: ConnectionConfig) => PgPool): ReplicaPoolClass {
  // No private fields: the views are objects whose prototype is the pool.
  return class ReplicaPool extends Pool {
    declare readonly database: RoutedDatabase;
    declare readonly route: RouteHint | undefined;
    declare ending: boolean;
    declare ended: boolean;

    constructor(settings: Settings) {
      super(optionsOf(settings));
      // pg hides a password; a connection string holds one as well.
      hide(this.options, "connectionString");
      const database = new RoutedDatabase(settings, {
        onConnect: (client) => this.emit("connect", client),
        // Without a listener an EventEmitter throws it. It has been dealt with.
        onLost: (error) => this.listenerCount("error") > 0 && this.emit("error", error),
      });
      define(this, { database, route: undefined });
    }

    get primary(): PgPool {
      return define(Object.create(this) as PgPool, { route: "primary" });
    }

    get replica(): PgPool {
      return define(Object.create(this) as PgPool, { route: "replica" });
    }

    query(query: unknown, values?: unknown, callback?: unknown): Promise<PgResult> | undefined {
      const given = queryArguments(query, values, callback);
      const running = this.database.execute(this.database.jobFor(given, this.route));
      return answer(running, given.callback);
    }

    override connect(callback?: unknown): Promise<ReplicaClient> {
      const taking = new Promise<ReplicaClient>((resolve) =>
        resolve(this.database.client(this.route)),
      );
      if (typeof callback !== "function") return taking;
      const call = callback as (error?: unknown, client?: ReplicaClient, done?: unknown) => void;
      taking.then(
        (client) => process.nextTick(call, undefined, client, client.release),
        (error) => process.nextTick(call, error, undefined, () => {}),
      );
      return undefined as never;
    }

    override end(callback?: (error?: Error) => void): Promise<void> {
      this.ending = true;
      const ending = this.database.end().then(() => {
        this.ended = true;
      });
      if (callback === undefined) return ending;
      ending.then(() => callback(), callback);
      return undefined as never;
    }

    override get totalCount(): number {
      return this.database.count("totalCount");
    }

    override get idleCount(): number {
      return this.database.count("idleCount");
    }

    override get waitingCount(): number {
      return this.database.count("waitingCount");
    }

    override get expiredCount(): number {
      return this.database.count("expiredCount");
    }

    get session(): ReplicaSession {
      const { database } = this;
      const scope = database.sessions.present;
      return {
        get needsToken() {
          return scope.needsToken;
        },
        get hasUnplacedWrites() {
          return scope.hasUnplacedWrites;
        },
        async token() {
          const token = await database.token(scope);
          return token && formatToken(token);
        },
      };
    }

    run<Result>(...given: [() => Result] | [string | undefined, () => Result]): Result {
      const work = given.length === 1 ? given[0] : given[1];
      const token = given.length === 1 ? undefined : parseToken(given[0]);
      return this.database.sessions.run(token, work);
    }

    transaction<Result>(
      work: (client: ReplicaClient) => Promise<Result>,
      options?: TransactionOptions,
    ): Promise<Result> {
      return runTransaction(() => this.database.client(this.route), work, options);
    }

    stats(): ReplicaPoolStats {
      return this.database.stats;
    }

    [Symbol.asyncDispose](): Promise<void> {
      return this.end();
    }
  };
}

/** What libraries look for in a pool's options, of the first server. */
function optionsOf({ hosts, max }: Settings): ConnectionConfig {
  return { ...hosts[0]?.connection, max };
}

/** It is there for who asks for it by its name, and no part of what is printed. */
function hide(target: Record<string, unknown>, name: string): void {
  if (name in target) Object.defineProperty(target, name, { enumerable: false });
}

/** Fields that are no part of what is printed. */
function define<Target extends object>(
  target: Target,
  fields: Readonly<Record<string, unknown>>,
): Target {
  for (const [name, value] of Object.entries(fields))
    Object.defineProperty(target, name, { value });
  return target;
}
