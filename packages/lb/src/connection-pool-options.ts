/** How connections are opened, kept and closed; the check of these options. */

import {
  requireCount,
  requireFunction,
  requireKnownOptions,
  requirePositive,
} from "@headroom/core/options";

export interface ConnectionPoolOptions<Address, Connection> {
  /**
   * Opens a connection that is ready for use: connected, greeted, logged in. Ends itself when
   * `signal` aborts, because that takes too long or the balancer closes; what it opens in spite of that
   * is closed. When it fails, nothing was sent, so the work goes to another target.
   */
  readonly create: (address: Address, signal: AbortSignal) => PromiseLike<Connection>;
  /**
   * Closes a connection, whatever state it is in: work may still be using it. A promise that takes
   * longer than 5 s is not waited for.
   */
  readonly destroy: (connection: Connection) => unknown;
  /**
   * Whether a connection that was used before, or kept ready, may be used. It is asked each time, so it
   * should be quick; one that throws or takes longer than `connectTimeoutMs` means no.
   * @default it may, unless it is lost
   */
  readonly validate?:
    | ((connection: Connection, signal: AbortSignal) => PromiseLike<boolean> | boolean)
    | undefined;
  /**
   * Whether an error of the work means that the connection is broken, and its target to blame. If not,
   * the connection is used again and the target has answered: a mail that is refused, a row that is
   * there already. If it throws, it is broken, and the mistake is a process warning.
   * @default always
   */
  readonly isBroken?: ((error: unknown) => boolean) | undefined;
  /** Connections to one target at most, not counting those that are being closed. @default 10 */
  readonly max?: number | undefined;
  /** Connections that are kept to each target, once it has been used. @default 0 */
  readonly min?: number | undefined;
  /** How long work may wait for a connection while all are in use, in ms. @default 1_000 */
  readonly acquireTimeoutMs?: number | undefined;
  /** How many may wait so at one target; one more is turned away at once. @default 1_000 */
  readonly maxWaiting?: number | undefined;
  /** How long opening a connection may take, in milliseconds. @default 5_000 */
  readonly connectTimeoutMs?: number | undefined;
  /** A connection that nobody used for so long is closed, in milliseconds. @default 30_000 */
  readonly idleTimeoutMs?: number | undefined;
}

/** {@link ConnectionPoolOptions}, checked and complete. */
export type ConnectionPoolRules<Address, Connection> = Required<{
  [Option in keyof ConnectionPoolOptions<Address, Connection>]: NonNullable<
    ConnectionPoolOptions<Address, Connection>[Option]
  >;
}>;

export const CONNECTION_POOL_OPTIONS: readonly (keyof ConnectionPoolOptions<unknown, unknown>)[] = [
  "create",
  "destroy",
  "validate",
  "isBroken",
  "max",
  "min",
  "acquireTimeoutMs",
  "maxWaiting",
  "connectTimeoutMs",
  "idleTimeoutMs",
];

/** @throws TypeError or RangeError naming the option that is unknown or out of its range. */
export function connectionPoolRules<Address, Connection>(
  options: ConnectionPoolOptions<Address, Connection>,
): ConnectionPoolRules<Address, Connection> {
  requireKnownOptions("pooled", options, CONNECTION_POOL_OPTIONS);
  const max = requireCount("max", options.max ?? 10);
  const min = requireCount("min", options.min ?? 0, { min: 0 });
  if (min > max) throw new RangeError(`min must be at most max (${max}), got ${min}`);
  const always = (): boolean => true;
  return {
    create: requireFunction("create", options.create),
    destroy: requireFunction("destroy", options.destroy),
    validate: requireFunction("validate", options.validate ?? always),
    isBroken: shielded(requireFunction("isBroken", options.isBroken ?? always)),
    max,
    min,
    acquireTimeoutMs: requirePositive("acquireTimeoutMs", options.acquireTimeoutMs ?? 1_000),
    maxWaiting: requireCount("maxWaiting", options.maxWaiting ?? 1_000, { min: 0 }),
    connectTimeoutMs: requirePositive("connectTimeoutMs", options.connectTimeoutMs ?? 5_000),
    idleTimeoutMs: requirePositive("idleTimeoutMs", options.idleTimeoutMs ?? 30_000),
  };
}

/** Its mistake must not take the place of the error that it was asked about; it is told once. */
function shielded(isBroken: (error: unknown) => boolean): (error: unknown) => boolean {
  let isTold = false;
  return (error) => {
    try {
      return isBroken(error);
    } catch (mistake) {
      const code = "HEADROOM_HOOK_FAILED";
      if (!isTold) process.emitWarning(`isBroken threw ${String(mistake)}`, { code });
      isTold = true;
      return true;
    }
  };
}
