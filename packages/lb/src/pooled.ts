/**
 * Work on connections of any protocol, spread over targets: one pool of connections a target, behind
 * one balancer.
 *
 * A piece of work gets a target from the balancer, a connection from that target's pool, and gives both
 * back. How it ended counts for the target's health and latency as with any other request: a target
 * that refuses connections is left alone after a few attempts, and one that is slow gets less.
 *
 * When no connection could be opened, nothing was sent, so the work goes to another target whether or
 * not it may be done twice. When the work itself failed, only work that is `idempotent` does.
 *
 * A connection belongs to one piece of work at a time. It is closed, not reused, when its work failed
 * (unless `isBroken` knows better) or was given up.
 */

import { type Balancer, createBalancer } from "./balancer.ts";
import type { BalancerStats, TargetStats } from "./balancer-stats.ts";
import { ConnectionPool, type ConnectionStats } from "./connection-pool.ts";
import { mapDiscovery } from "./discovery/map-discovery.ts";
import { type PooledOptions, pooledRules } from "./pooled-options.ts";
import type { RunOptions, WorkAttempt } from "./run.ts";
import { requireTargets, type TargetOptions } from "./target.ts";

export type { PooledOptions } from "./pooled-options.ts";

/** What work on a connection is told. */
export interface ConnectionAttempt<Address> extends WorkAttempt {
  /** Where the connection goes. */
  readonly target: Address;
  /** The target's id. */
  readonly id: string;
}

export type ConnectionWork<Address, Connection, Result> = (
  connection: Connection,
  attempt: ConnectionAttempt<Address>,
) => Result | PromiseLike<Result>;

export interface PooledTargetStats extends TargetStats {
  readonly connections: ConnectionStats;
}

export interface PooledStats extends BalancerStats {
  readonly targets: readonly PooledTargetStats[];
}

/** A balancer whose targets are reached through pools; what it shares with `Balancer` is as there. */
export interface PooledBalancer<Address, Connection>
  extends Omit<Balancer<Address>, "pick" | "acquire" | "run" | "stats"> {
  /**
   * Does `work` on a connection to one target, and again at others as far as that is allowed.
   *
   * A `signal` that aborts, or a time that is over, ends the waiting and closes the connection in use.
   *
   * @throws what `work` failed with the last time.
   * @throws LbError `LB_UPSTREAM` when no connection could be opened, at the last target tried;
   *   `LB_OVERLOADED` when all of a target's connections stayed in use for `acquireTimeoutMs`;
   *   `LB_NO_TARGET`, `LB_CLOSED`.
   * @throws DeadlineExceededError `DEADLINE_EXCEEDED` when `timeoutMs` or `perTryTimeoutMs` is over.
   */
  use<Result>(
    work: ConnectionWork<Address, Connection, Result>,
    options?: RunOptions,
  ): Promise<Result>;
  stats(): PooledStats;
  /** Takes no more work; resolves when all of it is over and every connection is closed. */
  close(): Promise<void>;
}

/**
 * A balancer over connections:
 *
 *     const mail = pooled({ targets, create: connectSmtp, destroy: (smtp) => smtp.quit(), max: 5 });
 *     await mail.use((smtp) => smtp.send(message));
 *
 * @throws TypeError or RangeError naming the option that is unknown or out of its range.
 */
export function pooled<Address, Connection>(
  options: PooledOptions<Address, Connection>,
): PooledBalancer<Address, Connection> {
  return new ConnectionBalancer(options);
}

type PoolOf<Address, Connection> = ConnectionPool<Address, Connection>;

class ConnectionBalancer<Address, Connection> implements PooledBalancer<Address, Connection> {
  readonly #balancer: Balancer<PoolOf<Address, Connection>>;
  readonly #toPool: (targets: TargetOptions<Address>) => TargetOptions<PoolOf<Address, Connection>>;
  /** The pools that have been used, by the id of their target. */
  readonly #used = new Map<string, PoolOf<Address, Connection>>();
  readonly #closings = new Set<Promise<void>>();

  constructor(options: PooledOptions<Address, Connection>) {
    const { name, clock, pool: rules, balancer } = pooledRules(options);
    this.#toPool = (options) => ({
      ...options,
      target: new ConnectionPool(options.id, options.target, rules, { name, clock }),
    });
    const { targets } = options;
    this.#balancer = createBalancer({
      ...balancer,
      // For a target that is known already, the balancer keeps the pool it has.
      targets:
        typeof targets === "function"
          ? mapDiscovery(targets, this.#toPool)
          : requireTargets(targets).map(this.#toPool),
      onLeft: (pool) => this.#left(pool),
    });
  }

  get name(): string {
    return this.#balancer.name;
  }

  get isPanicking(): boolean {
    return this.#balancer.isPanicking;
  }

  use<Result>(
    work: ConnectionWork<Address, Connection, Result>,
    options?: RunOptions,
  ): Promise<Result> {
    return this.#balancer.run((pool, { attempt, signal }) => {
      this.#used.set(pool.id, pool);
      const told = { attempt, signal, target: pool.address, id: pool.id };
      return pool.use((connection) => work(connection, told), signal);
    }, options);
  }

  ready(options?: { readonly signal?: AbortSignal | undefined }): Promise<void> {
    return this.#balancer.ready(options);
  }

  add(target: TargetOptions<Address>): void {
    requireTargets([target]);
    this.#balancer.add(this.#toPool(target));
  }

  remove(id: string): void {
    this.#balancer.remove(id);
  }

  drain(id: string, options?: { readonly signal?: AbortSignal | undefined }): Promise<void> {
    return this.#balancer.drain(id, options);
  }

  resume(id: string): void {
    this.#balancer.resume(id);
  }

  stats(): PooledStats {
    const stats = this.#balancer.stats();
    const targets = stats.targets.map((target) => ({
      ...target,
      connections: this.#used.get(target.id)?.stats ?? NO_CONNECTIONS,
    }));
    return { ...stats, targets };
  }

  async close(): Promise<void> {
    await this.#balancer.close();
    await Promise.all(this.#closings);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #left(pool: PoolOf<Address, Connection>): void {
    if (this.#used.get(pool.id) === pool) this.#used.delete(pool.id);
    const closing = pool.close().finally(() => this.#closings.delete(closing));
    this.#closings.add(closing);
  }
}

const NO_CONNECTIONS: ConnectionStats = { open: 0, inUse: 0, waiting: 0 };
