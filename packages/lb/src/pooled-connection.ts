/**
 * One connection of a pool, from its opening to its end.
 *
 * It is closed exactly once, whoever asks and how often: the pool when it has been idle, the work that
 * broke it, its own `close` event. Closing never fails and never takes longer than 5 s: what cannot be
 * closed is given up, nobody could do more.
 *
 * A connection that is an event emitter is lost when it emits `error`, `end` or `close`: the server has
 * closed it while it was idle. That needs a listener in any case, since an `error` without one ends
 * the process.
 */

import type { Clock } from "@headroom/core/clock";
import { withDeadline } from "@headroom/core/deadline";
import type { ConnectionPoolRules } from "./connection-pool-options.ts";

export interface ConnectionContext<Connection> {
  /** The id of the target. */
  readonly id: string;
  readonly rules: Pick<
    ConnectionPoolRules<unknown, Connection>,
    "destroy" | "validate" | "connectTimeoutMs"
  >;
  readonly clock: Clock;
  /** It is closed. */
  readonly onEnd: () => void;
}

const DESTROY_TIMEOUT_MS = 5_000;

/** A connection that nobody used is as good as one just opened for so long. */
const NEW_FOR_MS = 1_000;

export class PooledConnection<Connection> {
  readonly connection: Connection;
  readonly #context: ConnectionContext<Connection>;
  readonly #openedMs: number;
  #isInUse = false;
  #wasUsed = false;
  #isLost = false;
  #ending: Promise<void> | undefined;

  constructor(connection: Connection, context: ConnectionContext<Connection>) {
    this.connection = connection;
    this.#context = context;
    this.#openedMs = context.clock.monotonicNow();
    onLost(connection, () => {
      this.#isLost = true;
      if (!this.#isInUse) void this.end();
    });
  }

  /** Whether it may never be used again. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /**
   * Takes it into use, if it is usable: new, or found valid. To be followed by `giveBack` or `end`,
   * also when it is not. Never rejects.
   */
  async take(signal: AbortSignal): Promise<boolean> {
    const isNew = this.#isNew;
    this.#isInUse = true;
    this.#wasUsed = true;
    if (this.#isLost) return false;
    return isNew || (await this.#isValid(signal));
  }

  /** It is idle again. */
  giveBack(): void {
    this.#isInUse = false;
  }

  /** Closes it. Never rejects. */
  end(): Promise<void> {
    this.#ending ??= this.#end();
    return this.#ending;
  }

  get #isNew(): boolean {
    return !this.#wasUsed && this.#context.clock.monotonicNow() < this.#openedMs + NEW_FOR_MS;
  }

  async #isValid(signal: AbortSignal): Promise<boolean> {
    const { id, rules, clock } = this.#context;
    const what = `validating a connection to ${id}`;
    const limits = { timeoutMs: rules.connectTimeoutMs, signal, what, clock };
    try {
      return await withDeadline(limits, (ended) => rules.validate(this.connection, ended));
    } catch {
      return false;
    }
  }

  async #end(): Promise<void> {
    const { id, rules, clock, onEnd } = this.#context;
    const limits = { timeoutMs: DESTROY_TIMEOUT_MS, what: `closing a connection to ${id}`, clock };
    try {
      await withDeadline(limits, () => rules.destroy(this.connection));
    } catch {
      // It is given up, see above.
    } finally {
      onEnd();
    }
  }
}

/** Calls back when a connection that is an event emitter says that it is of no use any more. */
function onLost(connection: unknown, callback: () => void): void {
  if (typeof connection !== "object" || connection === null || !("on" in connection)) return;
  if (typeof connection.on !== "function") return;
  for (const event of ["error", "end", "close"]) connection.on(event, callback);
}
