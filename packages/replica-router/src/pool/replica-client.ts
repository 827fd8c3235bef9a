/**
 * What `pool.connect()` gives: a client that is no connection yet.
 *
 * Most ORMs take a client for each query. If that were a connection, where a statement goes would be
 * decided before it is known. So the client takes a connection with its first statement, and keeps
 * it for as long as the statements say:
 *
 *     unbound ──a statement──▶ unbound             each goes where it belongs
 *     unbound ──BEGIN────────▶ in a transaction    all on one connection, until it is over
 *     unbound ──a cursor─────▶ streaming           until it is drained
 *     unbound ──SET, LISTEN──▶ pinned              until `release()`
 *
 * Statements keep their order. A transaction that is open at `release()` is rolled back.
 */

import { EventEmitter } from "node:events";
import { outcomeUnknown, ReplicaError } from "../errors.ts";
import type { PgCallback, PgResult } from "../pg-module.ts";
import type { Job } from "../routing/job.ts";
import type { Router } from "../routing/router.ts";
import type { Seat } from "../routing/seat.ts";
import type { Seats } from "../routing/seats.ts";
import { failureOf } from "../topology/failure.ts";
import {
  type QueryArguments,
  queryArguments,
  type SubmittableArguments,
} from "./query-arguments.ts";

export interface ReplicaClientParts {
  readonly router: Router;
  readonly seats: Seats;
  /** Everything about a statement that is known when the application calls. */
  readonly jobFor: (given: QueryArguments) => Job;
  readonly onRelease: (client: ReplicaClient) => void;
}

/** To one connection, for the time being. */
interface Bound {
  readonly seat: Seat;
  /** Until the client is released. */
  isPinned: boolean;
  hasWritten: boolean;
}

const FORWARDED = ["notice", "notification", "error", "end"] as const;
/** Writes nothing itself: what was written before it counts. */
const ONLY_STEERS = /^\s*(commit|end|rollback|abort|savepoint|release)\b(?!\s+prepared\b)/i;
const ENDS_TRANSACTION = /^\s*(commit|end|prepare\s+transaction)\b/i;

export class ReplicaClient extends EventEmitter {
  readonly #parts: ReplicaClientParts;
  #bound: Bound | undefined;
  #isReleased = true;
  /** Statements that were given and are not over; and those of them that have not begun. */
  #pending = 0;
  #waiting = 0;
  /** Ends when what was given last is over. */
  #turn: Promise<unknown> = Promise.resolve();
  #whenIdle: (() => void) | undefined;
  /** Gives it back. A property, as it is of pg's clients: each checkout has its own. */
  release: (error?: Error | boolean) => void = () => {};

  constructor(parts: ReplicaClientParts) {
    super();
    this.#parts = parts;
  }

  /** It is handed out: again, or for the first time. */
  open(): this {
    this.#isReleased = false;
    let isOpen = true;
    this.release = (error) => {
      if (!isOpen) throw released("release() was called on a client that is released already");
      isOpen = false;
      this.#close(Boolean(error));
    };
    return this;
  }

  /** As `pg.Client`'s: text or object, values, callback; or a cursor, a stream, a COPY. */
  query(query: unknown, values?: unknown, callback?: unknown): unknown {
    const given = queryArguments(query, values, callback);
    const job = this.#parts.jobFor(given);
    if (given.isSubmittable) return this.#submit(given, job);
    const running = this.#inTurn(job, () => this.#run(job));
    return answer(running, given.callback);
  }

  /** `null` while it has no connection. */
  getTransactionStatus(): string | null {
    return this.#bound?.seat.lease.client.getTransactionStatus() ?? null;
  }

  /** The server process it is bound to; `null` while it is bound to none. */
  get processID(): number | null {
    return this.#bound?.seat.lease.client.processID ?? null;
  }

  /** The connection it is bound to; undefined while it is bound to none. */
  get connection(): unknown {
    return this.#bound?.seat.lease.client.connection;
  }

  /** @throws ReplicaError `REPLICA_UNSUPPORTED`: parsers belong to a connection, and this has many. */
  setTypeParser(): never {
    const what =
      "a client of a replica pool has many connections: set type parsers on pg.types, or with a query's `types`";
    throw new ReplicaError("REPLICA_UNSUPPORTED", what);
  }

  /** Runs a statement when those before it are over; at once on the connection it is bound to. */
  async #inTurn<Result>(job: Job, run: () => Promise<Result>): Promise<Result> {
    if (this.#isReleased) throw released("a query was sent on a client that is released already");
    // On one connection pg keeps the order.
    const isNext = this.#waiting === 0 && (this.#bound !== undefined || this.#pending === 0);
    this.#pending++;
    const running = isNext ? run() : this.#afterOthers(run);
    this.#turn = running.catch(() => {});
    try {
      return await running;
    } finally {
      this.#pending--;
      this.#noteStatement(job);
    }
  }

  #afterOthers<Result>(run: () => Promise<Result>): Promise<Result> {
    this.#waiting++;
    return this.#turn.then(() => {
      this.#waiting--;
      return run();
    });
  }

  async #run(job: Job): Promise<PgResult> {
    const { router, seats } = this.#parts;
    const bound = this.#bound;
    if (bound === undefined) return router.execute(job, (seat) => this.#bind(seat, job));
    const { lease, host, sinceMs } = bound.seat;
    if (job.statement.kind === "session") bound.isPinned = true;
    if (job.statement.kind === "write" && !ONLY_STEERS.test(job.text)) bound.hasWritten = true;
    const status = lease.client.getTransactionStatus();
    try {
      return await router.executeAt(bound.seat, job);
    } catch (error) {
      const failure = failureOf(error);
      if (failure !== "connection") {
        if (failure === "read-only") void router.doubt(host);
        if (failure === "timeout") lease.cut();
        await lease.settled();
        throw error;
      }
      void seats.blame(host, error, sinceMs);
      // Inside of a transaction the loss of the connection undoes it; at its end nobody can tell.
      const isUndone = status === "T" && !ENDS_TRANSACTION.test(job.text);
      if (bound.hasWritten && !isUndone) throw outcomeUnknown(host.name, error);
      throw error;
    }
  }

  #submit({ query, values, callback }: SubmittableArguments, job: Job): unknown {
    const submit = async (): Promise<void> => {
      const bound = this.#bound ?? this.#bind(await this.#parts.router.seat(job), job);
      if (job.statement.kind !== "read") bound.hasWritten = true;
      const { lease } = bound.seat;
      lease.send(query, values, callback);
      await lease.settled();
    };
    this.#inTurn(job, submit).catch((error: Error) => {
      if (query.handleError !== undefined) query.handleError(error, undefined);
      else callback?.(error);
    });
    return query;
  }

  #bind(seat: Seat, { statement: { kind } }: Job): Bound {
    const bound = { seat, isPinned: kind === "session", hasWritten: kind === "write" };
    this.#bound = bound;
    for (const event of FORWARDED) seat.lease.client.on(event, this.#forwards[event]);
    return bound;
  }

  /** After each statement: what it means for the session, and whether the connection is still needed. */
  #noteStatement(job: Job): void {
    const bound = this.#bound;
    if (bound !== undefined) this.#noteTransaction(bound, job);
    if (this.#pending > 0) return;
    this.#whenIdle?.();
    if (bound === undefined || bound !== this.#bound || bound.isPinned) return;
    const { lease } = bound.seat;
    if (lease.isBroken || (lease.isReady && lease.isIdle)) void this.#unbind(false);
  }

  /** The position of a transaction is that of its end. */
  #noteTransaction(bound: Bound, { scope }: Job): void {
    const { lease, host } = bound.seat;
    if (!lease.isIdle && !lease.isBroken) return;
    if (bound.hasWritten) scope.wrote();
    else this.#parts.router.noteRead(host, scope);
    bound.hasWritten = false;
  }

  async #unbind(isBad: boolean): Promise<void> {
    const bound = this.#bound;
    if (bound === undefined) return;
    this.#bound = undefined;
    for (const event of FORWARDED) bound.seat.lease.client.off(event, this.#forwards[event]);
    await this.#parts.seats.leave(bound.seat, isBad);
  }

  /** What is under way goes on to its end; nothing more is taken. */
  #close(isBad: boolean): void {
    this.#isReleased = true;
    const finish = (): void => {
      this.#whenIdle = undefined;
      void this.#unbind(isBad);
      this.#parts.onRelease(this);
    };
    if (this.#pending === 0) finish();
    else this.#whenIdle = finish;
  }

  readonly #forwards = {
    notice: (...given: unknown[]): void => void this.emit("notice", ...given),
    notification: (...given: unknown[]): void => void this.emit("notification", ...given),
    end: (...given: unknown[]): void => void this.emit("end", ...given),
    // Without a listener an EventEmitter throws it; the statement that met it has it already.
    error: (...given: unknown[]): void => {
      if (this.listenerCount("error") > 0) this.emit("error", ...given);
    },
  };
}

/** A promise, or the application's callback in the application's context. */
export function answer(
  running: Promise<PgResult>,
  callback: PgCallback | undefined,
): Promise<PgResult> | undefined {
  if (callback === undefined) return running;
  // Outside of the promise: what a callback throws is the application's, as it is with pg.
  const call = (error: Error | null, result?: PgResult): void =>
    process.nextTick(() => callback(error, result));
  running.then(
    (result) => call(null, result),
    (error: Error) => call(error),
  );
  return undefined;
}

function released(what: string): ReplicaError {
  return new ReplicaError("REPLICA_CLIENT_RELEASED", what);
}
