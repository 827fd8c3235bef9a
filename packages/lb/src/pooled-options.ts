/** What `pooled` may be told: options of the balancer and of its pools in one object. */

import { type Clock, systemClock } from "@headroom/core/clock";
import { isHeadroomError } from "@headroom/core/errors";
import {
  requireClock,
  requireFunction,
  requireKnownOptions,
  requireText,
} from "@headroom/core/options";
import type { ActiveCheckOptions } from "./active-check.ts";
import type { BalancerOptions, BalancerRetryOptions } from "./balancer-options.ts";
import { ConnectError, NoFreeConnectionError } from "./connection-errors.ts";
import type { ConnectionPool } from "./connection-pool.ts";
import {
  CONNECTION_POOL_OPTIONS,
  type ConnectionPoolOptions,
  type ConnectionPoolRules,
  connectionPoolRules,
} from "./connection-pool-options.ts";
import { ABANDONED, FAILED, type Outcome, REFUSED, SUCCESS } from "./outcome.ts";

/** Options of `createBalancer`, with addresses for targets, and what to do with these. */
export interface PooledOptions<Address, Connection>
  extends Omit<BalancerOptions<Address>, "onLeft">,
    ConnectionPoolOptions<Address, Connection> {}

/** {@link PooledOptions}, checked, for the pools and for the balancer over them. */
export interface PooledRules<Address, Connection> {
  readonly name: string;
  readonly clock: Clock;
  readonly pool: ConnectionPoolRules<Address, Connection>;
  /** All but its targets. */
  readonly balancer: Omit<
    BalancerOptions<ConnectionPool<Address, Connection>>,
    "targets" | "onLeft"
  >;
}

/** @throws TypeError or RangeError naming the option that is unknown or out of its range. */
export function pooledRules<Address, Connection>(
  options: PooledOptions<Address, Connection>,
): PooledRules<Address, Connection> {
  requireKnownOptions("pooled", options, KNOWN_OPTIONS);
  const {
    create,
    destroy,
    validate,
    isBroken,
    max,
    min,
    acquireTimeoutMs,
    maxWaiting,
    connectTimeoutMs,
    idleTimeoutMs,
    targets: _,
    ...balancer
  } = options;
  const pool = connectionPoolRules({
    ...{ create, destroy, validate, isBroken, max, min },
    ...{ acquireTimeoutMs, maxWaiting, connectTimeoutMs, idleTimeoutMs },
  });
  const { name = "default", clock = systemClock, check, retry = {} } = balancer;
  return {
    name: requireText("name", name),
    clock: requireClock("clock", clock),
    pool,
    balancer: {
      ...balancer,
      check: check && checkOfPool(check),
      retry: retryRules(retry, pool.isBroken),
    },
  };
}

/** Complete: the compiler refuses it when an option of the balancer is missing. */
const BALANCER_OPTIONS: Record<keyof Omit<BalancerOptions<unknown>, "onLeft">, true> = {
  name: true,
  targets: true,
  policy: true,
  health: true,
  check: true,
  latency: true,
  zone: true,
  overprovisioning: true,
  retry: true,
  hedge: true,
  maxInFlight: true,
  maxQueued: true,
  queueTimeoutMs: true,
  clock: true,
  random: true,
};

const KNOWN_OPTIONS: readonly string[] = [
  ...CONNECTION_POOL_OPTIONS,
  ...Object.keys(BALANCER_OPTIONS),
];

/** Whoever checks knows addresses, not pools. */
function checkOfPool<Address, Connection>(
  options: ActiveCheckOptions<Address>,
): ActiveCheckOptions<ConnectionPool<Address, Connection>> {
  const check = requireFunction("check", options.check);
  return { ...options, check: (pool, signal) => check(pool.address, signal) };
}

/** What failed work says about its target, when the connection is ours. */
function retryRules(
  retry: BalancerRetryOptions | false,
  isBroken: (error: unknown) => boolean,
): BalancerRetryOptions {
  const { classify: classifyWork, ...rest } = retry === false ? ONCE : retry;
  const classify = (error: unknown): Outcome => {
    if (error instanceof ConnectError) return REFUSED;
    // All connections in use is our own limit: it says nothing of the target but that it is slow.
    if (error instanceof NoFreeConnectionError) return ABANDONED;
    if (classifyWork !== undefined) return classifyWork(error);
    if (isHeadroomError(error, "DEADLINE_EXCEEDED")) return FAILED;
    return isBroken(error) ? FAILED : SUCCESS;
  };
  return { ...rest, classify };
}

const ONCE: BalancerRetryOptions = { attempts: 1 };
