/**
 * Runs statements: on the right server, on another one when that fails, never twice if that could matter.
 *
 *     a read    any connection error, or a cancellation by replay → another server, until one answers.
 *               Nothing has been given to the application before, so nobody sees it.
 *     a write   could not be sent (no primary, no connection, `25006`) → when there is a primary, again.
 *               Sent, and the connection lost → REPLICA_WRITE_OUTCOME_UNKNOWN. It is never sent twice.
 *     a read that a replica refuses (`25006`: it writes after all) → on the primary, this time and always.
 *
 * What binds a client to its connection (a transaction, a setting) is handed to `keep`. A statement
 * that has nothing to wait for, and goes well, is sent and answered without a promise but its own.
 */

import type { Clock } from "@headroom/core/clock";
import { outcomeUnknown } from "../errors.ts";
import type { KeepAlive } from "../keep-alive.ts";
import type { PgResult } from "../pg-module.ts";
import type { SessionScope } from "../session/session-scope.ts";
import { failureOf } from "../topology/failure.ts";
import type { Host } from "../topology/host.ts";
import { NOTHING } from "../topology/lease.ts";
import type { Monitor } from "../topology/monitor.ts";
import type { Topology } from "../topology/topology.ts";
import { type Job, mayUseReplica, primaryReason } from "./job.ts";
import { traceQuery } from "./query-trace.ts";
import type { ReadChoice } from "./read-choice.ts";
import type { RouteReason } from "./route-log.ts";
import type { RouterSettings } from "./router-settings.ts";
import type { Seat } from "./seat.ts";
import {
  noteTried,
  primaryRoute,
  type ReaderRequest,
  type SeatRequest,
  type Seats,
} from "./seats.ts";

export interface RouterParts {
  readonly settings: RouterSettings;
  readonly topology: Topology;
  readonly monitor: Monitor;
  readonly choice: ReadChoice;
  readonly seats: Seats;
  /** A replica has refused this text, and the primary has not. */
  readonly onMisrouted: (text: string) => void;
  readonly clock: Clock;
  readonly keepAlive: KeepAlive;
  /** Undefined when it is known what the database has; else resolves when it is. */
  readonly ready: () => Promise<void> | undefined;
}

/** Takes over a connection that may not go back to its pool yet. */
export type Keep = (seat: Seat) => void;

/** A read on its way. */
interface Read extends ReaderRequest {
  readonly keep: Keep | undefined;
  readonly isHarmless: true;
}

/** Anything else on its way, to the primary. */
interface Write extends SeatRequest {
  readonly keep: Keep | undefined;
  readonly reason: RouteReason;
  /** It only reads, or only begins: it may be sent again whatever has happened to it. */
  readonly isHarmless: boolean;
}

export class Router {
  readonly #parts: RouterParts;
  #misrouted = 0;

  constructor(parts: RouterParts) {
    this.#parts = parts;
  }

  /** Statements that were sent again; reads that a replica refused; transactions that nobody ended. */
  get counts(): Readonly<Record<"retries" | "misrouted" | "leakedTransactions", number>> {
    return { ...this.#parts.seats.counts, misrouted: this.#misrouted };
  }

  /** @param keep gets the connection when the statement has bound its client to it. */
  execute(job: Job, keep?: Keep): Promise<PgResult> {
    return traceQuery(this.#parts.settings.name, job, () => {
      const { ready, keepAlive } = this.#parts;
      const soon = ready();
      if (soon === undefined) return this.#run(job, keep);
      return keepAlive.during(soon).then(() => this.#run(job, keep));
    });
  }

  /** A statement on a connection that its client is bound to. */
  executeAt({ lease, host }: Seat, job: Job): Promise<PgResult> {
    return traceQuery(this.#parts.settings.name, job, () => {
      job.host = host;
      return lease.run(job.query, job.values);
    });
  }

  /** A connection for something that talks to it itself: a cursor, a stream. */
  async seat(job: Job): Promise<Seat> {
    const { ready, keepAlive, seats } = this.#parts;
    await keepAlive.during(ready() ?? Promise.resolve());
    const request = {
      job,
      use: "bound",
      deadlineMs: this.#deadlineMs(),
      tried: undefined,
    } as const;
    return mayUseReplica(job) ? seats.reader(request) : seats.primary(request, primaryReason(job));
  }

  /** `host` has answered a read of this session by now. */
  noteRead(host: Host, scope: SessionScope): void {
    this.#parts.choice.noteRead(host, scope);
  }

  /**
   * `host` has refused a write. If it was thought to be the primary that may be over, or the transaction
   * (or its user) may be read-only and the server well: it is looked at.
   */
  async doubt(host: Host): Promise<void> {
    const { topology, monitor, keepAlive } = this.#parts;
    if (host === topology.primary) await keepAlive.during(monitor.look(host));
  }

  #run(job: Job, keep: Keep | undefined): Promise<PgResult> {
    return mayUseReplica(job) ? this.#read(job, keep) : this.#write(job, keep, primaryReason(job));
  }

  #read(job: Job, keep: Keep | undefined): Promise<PgResult> {
    const { choice, seats } = this.#parts;
    const use = keep !== undefined && job.statement.kind === "begin" ? "bound" : "read";
    const deadlineMs = this.#deadlineMs();
    const read: Read = { job, keep, use, deadlineMs, tried: undefined, isHarmless: true };
    const chosen = choice.choose(job, undefined);
    const isKnown = chosen !== undefined && !(chosen instanceof Promise);
    const seat = isKnown ? seats.atHand(job, chosen, use) : undefined;
    if (seat !== undefined) return this.#readAt(seat, read);
    return seats.reader(read, chosen).then((found) => this.#readAt(found, read));
  }

  #readAt(seat: Seat, read: Read): Promise<PgResult> {
    const isReplica = seat.host.role !== "primary";
    return this.#runAt(seat, read, (error) => this.#readFailed(seat, read, isReplica, error));
  }

  async #readFailed(seat: Seat, read: Read, isReplica: boolean, error: unknown): Promise<PgResult> {
    const { seats } = this.#parts;
    const failure = failureOf(error);
    await this.#fail(seat, error);
    const isElsewhere = failure === "connection" || (failure === "conflict" && isReplica);
    if (isReplica && (failure === "read-only" || failure === "recovery")) {
      return this.#rerunOnPrimary(read);
    }
    if (!isElsewhere && failure !== "read-only") throw error;
    if (this.#nowMs >= read.deadlineMs) throw error;
    noteTried(read, seat.host);
    seats.counts.retries++;
    return this.#readAt(await seats.reader(read), read);
  }

  /** A replica has refused it; if the primary does not, it belongs there. */
  async #rerunOnPrimary({ job, keep }: Read): Promise<PgResult> {
    this.#misrouted++;
    const result = await this.#write(job, keep, "misrouted");
    this.#parts.onMisrouted(job.text);
    job.scope.wrote();
    return result;
  }

  #write(job: Job, keep: Keep | undefined, reason: RouteReason): Promise<PgResult> {
    const { topology, seats } = this.#parts;
    const { kind } = job.statement;
    const binds = kind === "begin" || kind === "session";
    const use = keep && binds ? "bound" : "write";
    const isHarmless = (kind === "read" && reason !== "misrouted") || kind === "begin";
    const write: Write = { job, keep, use, reason, isHarmless, deadlineMs: this.#deadlineMs() };
    const { primary } = topology;
    const seat = primary && seats.atHand(job, primaryRoute(job, primary, reason), use);
    if (seat !== undefined) return this.#writeAt(seat, write);
    return seats.primary(write, reason).then((found) => this.#writeAt(found, write));
  }

  #writeAt(seat: Seat, write: Write): Promise<PgResult> {
    return this.#runAt(seat, write, (error) => this.#writeFailed(seat, write, error));
  }

  async #writeFailed(seat: Seat, write: Write, error: unknown): Promise<PgResult> {
    const { topology, seats } = this.#parts;
    const { job, isHarmless, deadlineMs, reason } = write;
    const failure = failureOf(error);
    if (!isHarmless) job.scope.wrote();
    await this.#fail(seat, error);
    const isLost = failure === "connection";
    if (isLost && !isHarmless) throw outcomeUnknown(seat.host.name, error);
    if ((!isLost && failure !== "read-only") || this.#nowMs >= deadlineMs) throw error;
    if (failure === "read-only") {
      await this.doubt(seat.host);
      if (topology.primary === seat.host) throw error;
    }
    seats.counts.retries++;
    return this.#writeAt(await seats.primary(write, reason), write);
  }

  /** Its promise is the only one of a statement that goes well. */
  #runAt(
    seat: Seat,
    statement: Read | Write,
    failed: (error: unknown) => Promise<PgResult>,
  ): Promise<PgResult> {
    return new Promise((resolve) => {
      let isOver = false;
      const settle = (error: unknown, result: PgResult = NOTHING): void => {
        // pg may tell of a statement that could not be sent, and then of the end of its connection.
        if (isOver) return;
        isOver = true;
        resolve(error ? failed(error) : this.#succeeded(seat, statement, result));
      };
      try {
        seat.lease.send(statement.job.query, statement.job.values, settle);
      } catch (error) {
        settle(error);
      }
    });
  }

  #succeeded(
    seat: Seat,
    { job, keep, isHarmless }: Read | Write,
    result: PgResult,
  ): PgResult | Promise<PgResult> {
    this.#answered(seat);
    if (isHarmless) this.noteRead(seat.host, job.scope);
    else job.scope.wrote();
    const leaving = this.#part(seat, job, keep);
    return leaving === undefined ? result : leaving.then(() => result);
  }

  /** The statement went well: the connection goes back, or to who is bound to it. */
  #part(seat: Seat, { statement }: Job, keep: Keep | undefined): Promise<void> | undefined {
    if (keep === undefined || (statement.kind !== "session" && seat.lease.isIdle)) {
      return this.#parts.seats.giveBack(seat);
    }
    keep(seat);
    return undefined;
  }

  async #fail(seat: Seat, error: unknown): Promise<void> {
    const { seats } = this.#parts;
    const failure = failureOf(error);
    await seats.leave(seat, failure === "connection" || failure === "timeout");
    if (failure === "connection") void seats.blame(seat.host, error, seat.sinceMs);
    else this.#answered(seat);
  }

  #answered({ host, sinceMs }: Seat): void {
    const nowMs = this.#nowMs;
    this.#parts.monitor.answered(host, nowMs);
    host.latency.update(nowMs - sinceMs, nowMs);
    if (host.health.status === "suspect") host.note({ type: "success", startedMs: sinceMs }, nowMs);
  }

  #deadlineMs(): number {
    return this.#nowMs + this.#parts.settings.failoverMs;
  }

  get #nowMs(): number {
    return this.#parts.clock.monotonicNow();
  }
}
