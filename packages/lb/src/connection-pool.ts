/**
 * The connections to one target.
 *
 * generic-pool keeps them, opens what is missing and closes what is idle. It was made for resources
 * that can always be had in the end, which connections to a server that is down cannot. What it does
 * then, and what is done about it here:
 *
 * - **A create that rejects is repeated at once, for ever**, and whoever waits never hears of it
 *   (node-pool issues 175, 183, 256). So ours never rejects: it answers with a slot that holds the
 *   failure instead of a connection. The slot goes to one of those who wait, who discards it and
 *   fails. One failure is one attempt.
 * - **Whoever waits cannot give up**; after its timeout, counted by timers that keep the process alive,
 *   a connection may still be opened for it. So nobody waits inside it for more than the opening of a
 *   connection: a {@link Bulkhead} as wide as the pool stands before it, and who gives up there is
 *   gone. A connection that arrives for somebody who has gone is there for the next.
 * - **A validate that rejects or hangs loses the connection's place** (issue 195), a destroy that throws
 *   goes through to whoever returned the connection. Both are called by `pooled-connection`, with a
 *   limit of time.
 * - **Nothing idle is ever closed** unless that is asked for, and the least recently used connection
 *   is taken first, so that all stay in use. Here the most recently used one is.
 *
 * Work that is given up, by timeout or signal, leaves its connection in an unknown state: it is closed
 * at once, under the hands of whoever still uses it.
 */

import type { Clock } from "@headroom/core/clock";
import { withDeadline } from "@headroom/core/deadline";
import { isHeadroomError } from "@headroom/core/errors";
import { unlessAborted } from "@headroom/core/on-abort";
import { createPool, type Pool } from "generic-pool";
import { Bulkhead } from "./bulkhead.ts";
import { ConnectError, NoFreeConnectionError } from "./connection-errors.ts";
import type { ConnectionPoolRules } from "./connection-pool-options.ts";
import { PooledConnection } from "./pooled-connection.ts";

/** How many connections there are, and how many wait for one. */
export interface ConnectionStats {
  /** Open now, in use or not. */
  readonly open: number;
  readonly inUse: number;
  readonly waiting: number;
}

interface PoolContext {
  /** The configured name of the balancer. */
  readonly name: string;
  readonly clock: Clock;
}

/** What generic-pool keeps: a connection, or why there is none. */
type Slot<Connection> = PooledConnection<Connection> | FailedSlot;

interface FailedSlot {
  readonly error: unknown;
  /** Which of all failures of this pool it is. */
  readonly number: number;
}

/** How often idle connections are looked at; a longer wait would not fit a timer of Node. */
const LONGEST_SWEEP_MS = 30_000;

export class ConnectionPool<Address, Connection> {
  readonly id: string;
  readonly address: Address;
  readonly #rules: ConnectionPoolRules<Address, Connection>;
  readonly #context: PoolContext;
  readonly #room: Bulkhead;
  readonly #ended = new AbortController();
  /** Made with the first use: a target that is only listed costs nothing. */
  #slots: Pool<Slot<Connection>> | undefined;
  #open = 0;
  #failures = 0;
  #closing: Promise<void> | undefined;

  constructor(
    id: string,
    address: Address,
    rules: ConnectionPoolRules<Address, Connection>,
    context: PoolContext,
  ) {
    this.id = id;
    this.address = address;
    this.#rules = rules;
    this.#context = context;
    this.#room = new Bulkhead({
      maxInFlight: rules.max,
      maxQueued: rules.maxWaiting,
      queueTimeoutMs: rules.acquireTimeoutMs,
      clock: context.clock,
      pool: context.name,
    });
  }

  /**
   * Does `work` on a connection of its own.
   *
   * @throws ConnectError when none could be opened; NoFreeConnectionError when all are in use.
   * @throws what `work` throws; `signal.reason`, at once, when `signal` aborts.
   */
  async use<Result>(
    work: (connection: Connection) => Result | PromiseLike<Result>,
    signal: AbortSignal,
  ): Promise<Result> {
    await this.#enter(signal);
    try {
      const slot = await this.#borrow(signal);
      return await this.#work(slot, work, signal);
    } finally {
      this.#room.leave();
    }
  }

  get stats(): ConnectionStats {
    const inUse = this.#slots?.borrowed ?? 0;
    return { open: this.#open, inUse, waiting: this.#room.queued };
  }

  /** Closes all connections; resolves when they are. Nothing may be using the pool any more. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    // What is being opened for somebody who has gone would hold up the draining.
    this.#ended.abort();
    await this.#slots?.drain();
    await this.#slots?.clear();
  }

  async #enter(signal: AbortSignal): Promise<void> {
    try {
      await this.#room.enter({ signal });
    } catch (error) {
      if (signal.aborted || !isHeadroomError(error, "LB_OVERLOADED")) throw error;
      throw new NoFreeConnectionError(this.#context.name, this.id, this.#rules.max, error);
    }
  }

  /** A usable connection. Each round discards one that is not, so there are no more than `max`. */
  async #borrow(signal: AbortSignal): Promise<PooledConnection<Connection>> {
    for (;;) {
      const failuresBefore = this.#failures;
      const slot = await this.#acquire(signal);
      if ("error" in slot) {
        this.#discard(slot);
        // An older failure, of a connection that was to be kept ready, is no answer to us.
        if (slot.number <= failuresBefore) continue;
        throw new ConnectError(this.#context.name, this.id, slot.error);
      }
      if (await slot.take(signal)) return slot;
      this.#discard(slot);
    }
  }

  async #acquire(signal: AbortSignal): Promise<Slot<Connection>> {
    this.#slots ??= this.#createSlots();
    signal.throwIfAborted();
    const asked = this.#slots.acquire();
    try {
      return await unlessAborted(signal, () => asked);
    } catch (error) {
      asked.then(
        (slot) => this.#giveBack(slot),
        () => {},
      );
      throw error;
    }
  }

  async #work<Result>(
    slot: PooledConnection<Connection>,
    work: (connection: Connection) => Result | PromiseLike<Result>,
    signal: AbortSignal,
  ): Promise<Result> {
    let isBroken = true;
    try {
      signal.throwIfAborted();
      const result = await unlessAborted(signal, () => work(slot.connection));
      isBroken = false;
      return result;
    } catch (error) {
      isBroken = signal.aborted || this.#rules.isBroken(error);
      throw error;
    } finally {
      if (isBroken) this.#discard(slot);
      else this.#giveBack(slot);
    }
  }

  #giveBack(slot: Slot<Connection>): void {
    if ("error" in slot || slot.isLost) {
      this.#discard(slot);
    } else {
      slot.giveBack();
      void this.#slots?.release(slot);
    }
  }

  #discard(slot: Slot<Connection>): void {
    void this.#slots?.destroy(slot);
  }

  #createSlots(): Pool<Slot<Connection>> {
    const { max, min, idleTimeoutMs } = this.#rules;
    const factory = {
      create: () => this.#create(),
      destroy: (slot: Slot<Connection>) => ("error" in slot ? Promise.resolve() : slot.end()),
    };
    return createPool(factory, {
      max,
      min,
      fifo: false,
      idleTimeoutMillis: idleTimeoutMs,
      evictionRunIntervalMillis: Math.min(LONGEST_SWEEP_MS, Math.ceil(idleTimeoutMs / 2)),
      numTestsPerEvictionRun: max,
    });
  }

  /** Never rejects. */
  async #create(): Promise<Slot<Connection>> {
    const { create, connectTimeoutMs: timeoutMs } = this.#rules;
    const limits = { timeoutMs, signal: this.#ended.signal, what: `connecting to ${this.id}` };
    let slot: PooledConnection<Connection> | undefined;
    try {
      return await withDeadline({ ...limits, clock: this.#context.clock }, async (signal) => {
        slot = this.#opened(await create(this.address, signal));
        // It came too late: nobody is told of it any more.
        if (signal.aborted) void slot.end();
        return slot;
      });
    } catch (error) {
      if (slot !== undefined) void slot.end();
      return { error, number: ++this.#failures };
    }
  }

  #opened(connection: Connection): PooledConnection<Connection> {
    this.#open++;
    const { clock } = this.#context;
    const onEnd = (): void => void this.#open--;
    return new PooledConnection(connection, { id: this.id, rules: this.#rules, clock, onEnd });
  }
}
