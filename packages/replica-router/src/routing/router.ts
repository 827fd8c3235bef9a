/**
 * Runs statements: on the right server, on another one when that fails, never twice if that could matter.
 *
 *     a read    any connection error, or a cancellation by replay → another server, until one answers.
 *               Nothing has been given to the application before, so nobody sees it.
 *     a write   could not be sent (no primary, no connection, `25006`) → when there is a primary, again.
 *               Sent, and the connection lost → REPLICA_WRITE_OUTCOME_UNKNOWN. It is never sent twice.
 *     a read that a replica refuses (`25006`: it writes after all) → on the primary, this time and always.
 *
 * What binds a client to its connection (a transaction, a setting) is handed to `keep`.
 */

import type { Clock } from "@headroom/core/clock";
import { noPrimary, outcomeUnknown, poolExhausted, ReplicaError, unavailable } from "../errors.ts";
import type { KeepAlive } from "../keep-alive.ts";
import type { PgResult } from "../pg-module.ts";
import type { SessionScope } from "../session/session-scope.ts";
import { questionsOf } from "../topology/engine.ts";
import { type Failure, failureOf } from "../topology/failure.ts";
import type { Host } from "../topology/host.ts";
import type { LeaseUse } from "../topology/lease.ts";
import type { Monitor } from "../topology/monitor.ts";
import type { Topology } from "../topology/topology.ts";
import { type Job, mayUseReplica, primaryReason } from "./job.ts";
import { traceQuery } from "./query-trace.ts";
import type { ReadChoice } from "./read-choice.ts";
import type { Route, RouteLog, RouteReason } from "./route-log.ts";
import type { RouterSettings } from "./router-settings.ts";
import type { Seat } from "./seat.ts";

export interface RouterParts {
  readonly settings: RouterSettings;
  readonly topology: Topology;
  readonly monitor: Monitor;
  readonly choice: ReadChoice;
  /** A replica has refused this text, and the primary has not. */
  readonly onMisrouted: (text: string) => void;
  readonly log: RouteLog;
  readonly clock: Clock;
  readonly keepAlive: KeepAlive;
  /** Undefined when it is known what the database has; else resolves when it is. */
  readonly ready: () => Promise<void> | undefined;
}

/** Takes over a connection that may not go back to its pool yet. */
export type Keep = (seat: Seat) => void;

/** Servers that have failed a read; most reads have none. */
interface Tried {
  hosts: Set<Host> | undefined;
}

const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 200;

export class Router {
  readonly #parts: RouterParts;
  /** Connections to the primary that were found to lead to one. */
  readonly #verified = new WeakSet<object>();
  #standIns = 0;
  #isClosed = false;
  /** Statements that were sent again; reads that a replica refused; transactions that nobody ended. */
  readonly counts = { retries: 0, misrouted: 0, leakedTransactions: 0 };

  constructor(parts: RouterParts) {
    this.#parts = parts;
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
    const { ready, keepAlive } = this.#parts;
    await keepAlive.during(ready() ?? Promise.resolve());
    const deadlineMs = this.#deadlineMs();
    return mayUseReplica(job)
      ? this.#readerSeat(job, "bound", { hosts: undefined }, deadlineMs)
      : this.#primarySeat(job, "bound", primaryReason(job), deadlineMs);
  }

  /** Gives a connection back, clean: without a transaction that nobody has ended. */
  async leave(seat: Seat, isBad = false): Promise<void> {
    const { host, lease } = seat;
    if (!isBad) await lease.settled();
    if (seat.isStandIn) this.#standIns--;
    if (isBad || lease.isBroken || lease.isIdle) return host.release(lease, isBad);
    this.counts.leakedTransactions++;
    try {
      await lease.run("ROLLBACK", undefined);
      host.release(lease);
    } catch {
      host.release(lease, true);
    }
  }

  /** A connection to `host` has failed: it is looked at now. */
  blame(host: Host, error: unknown, sinceMs: number): Promise<void> {
    const { topology, monitor, clock } = this.#parts;
    const isRefused = (error as { code?: unknown } | null)?.code === "ECONNREFUSED";
    const nowMs = clock.monotonicNow();
    if (isRefused) host.note({ type: "eject" }, nowMs);
    else host.note({ type: "failure", kind: "failed", startedMs: sinceMs }, nowMs);
    if (host === topology.primary) monitor.search();
    return monitor.look(host);
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

  /** A connection to `host` leads to a server that is not the primary, where that was expected. */
  demote(host: Host): void {
    this.#parts.topology.demoted(host);
    this.#parts.monitor.search();
  }

  /** What waits for a server gives up. */
  close(): void {
    this.#isClosed = true;
  }

  #run(job: Job, keep: Keep | undefined): Promise<PgResult> {
    return mayUseReplica(job) ? this.#read(job, keep) : this.#write(job, keep, primaryReason(job));
  }

  async #read(job: Job, keep: Keep | undefined): Promise<PgResult> {
    const deadlineMs = this.#deadlineMs();
    const use = keep !== undefined && job.statement.kind === "begin" ? "bound" : "read";
    const tried: Tried = { hosts: undefined };
    for (;;) {
      const seat = await this.#readerSeat(job, use, tried, deadlineMs);
      const isReplica = seat.host.role !== "primary";
      let result: PgResult;
      try {
        result = await seat.lease.run(job.query, job.values);
      } catch (error) {
        const failure = failureOf(error);
        await this.#fail(seat, failure, error);
        const isElsewhere = failure === "connection" || (failure === "conflict" && isReplica);
        if (isReplica && (failure === "read-only" || failure === "recovery")) {
          return this.#rerunOnPrimary(job, keep);
        }
        if (!isElsewhere && failure !== "read-only") throw error;
        if (this.#nowMs >= deadlineMs) throw error;
        tried.hosts ??= new Set();
        tried.hosts.add(seat.host);
        this.counts.retries++;
        continue;
      }
      this.#answered(seat);
      this.noteRead(seat.host, job.scope);
      const parting = this.#part(seat, job, keep);
      if (parting !== undefined) await parting;
      return result;
    }
  }

  /** A replica has refused it; if the primary does not, it belongs there. */
  async #rerunOnPrimary(job: Job, keep: Keep | undefined): Promise<PgResult> {
    this.counts.misrouted++;
    const result = await this.#write(job, keep, "misrouted");
    this.#parts.onMisrouted(job.text);
    job.scope.wrote();
    return result;
  }

  async #write(job: Job, keep: Keep | undefined, reason: RouteReason): Promise<PgResult> {
    const deadlineMs = this.#deadlineMs();
    const { kind } = job.statement;
    const binds = kind === "begin" || kind === "session";
    // What only reads, or only begins, may be sent again whatever happened to it.
    const isHarmless = (kind === "read" && reason !== "misrouted") || kind === "begin";
    for (;;) {
      const seat = await this.#primarySeat(
        job,
        keep && binds ? "bound" : "write",
        reason,
        deadlineMs,
      );
      let result: PgResult;
      try {
        result = await seat.lease.run(job.query, job.values);
      } catch (error) {
        const failure = failureOf(error);
        if (!isHarmless) job.scope.wrote();
        await this.#fail(seat, failure, error);
        const isLost = failure === "connection";
        if (isLost && !isHarmless) throw outcomeUnknown(seat.host.name, error);
        if ((!isLost && failure !== "read-only") || this.#nowMs >= deadlineMs) throw error;
        if (failure === "read-only") {
          await this.doubt(seat.host);
          if (this.#parts.topology.primary === seat.host) throw error;
        }
        this.counts.retries++;
        continue;
      }
      this.#answered(seat);
      if (isHarmless) this.noteRead(seat.host, job.scope);
      else job.scope.wrote();
      const parting = this.#part(seat, job, keep);
      if (parting !== undefined) await parting;
      return result;
    }
  }

  async #readerSeat(job: Job, use: LeaseUse, tried: Tried, deadlineMs: number): Promise<Seat> {
    const { choice, clock, topology, keepAlive } = this.#parts;
    let last: unknown;
    let pauseMs = FIRST_PAUSE_MS;
    for (;;) {
      const chosen = choice.choose(job, tried.hosts);
      const route = chosen instanceof Promise ? await keepAlive.during(chosen) : chosen;
      if (route === undefined) {
        // A look may succeed where connections fail, or find an outdated primary as it was.
        const isInVain = tried.hosts !== undefined || topology.primary !== undefined;
        await this.#awaitChange(deadlineMs, () => this.#unavailable(last));
        if (isInVain) {
          await keepAlive.during(clock.sleep(Math.min(pauseMs, deadlineMs - this.#nowMs)));
          pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
        }
        tried.hosts = undefined;
        continue;
      }
      const { outages, role } = route.host;
      try {
        const seat = await this.#take(job, route, use);
        if (role === "primary" && !(await this.#isPrimary(seat))) continue;
        if (route.host.outages === outages) return seat;
        // While it waited for a connection the server was gone, and may have come back with less.
        await this.leave(seat);
      } catch (error) {
        last = this.#refusal(route.host, error);
        const failure = failureOf(error);
        const isElsewhere = failure === "exhausted" && route.host.role === "replica";
        if (failure !== "connection" && !isElsewhere) throw last;
        if (failure === "connection") void this.blame(route.host, error, this.#nowMs);
        tried.hosts ??= new Set();
        tried.hosts.add(route.host);
        this.counts.retries++;
      }
    }
  }

  async #primarySeat(
    job: Job,
    use: LeaseUse,
    reason: RouteReason,
    deadlineMs: number,
  ): Promise<Seat> {
    const { topology, clock, settings, keepAlive } = this.#parts;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      const host = topology.primary;
      if (host === undefined) {
        await this.#awaitChange(deadlineMs, () =>
          noPrimary(settings.name, settings.failoverMs, topology.errors),
        );
        continue;
      }
      try {
        const seat = await this.#take(
          job,
          { host, kind: job.statement.kind, reason, waitedMs: 0 },
          use,
        );
        if (await this.#isPrimary(seat)) return seat;
      } catch (error) {
        if (failureOf(error) !== "connection") throw this.#refusal(host, error);
        if (this.#nowMs >= deadlineMs) throw noPrimary(settings.name, settings.failoverMs, error);
        this.counts.retries++;
        await keepAlive.during(this.blame(host, error, this.#nowMs));
        if (topology.primary === host) await keepAlive.during(clock.sleep(pauseMs));
      }
    }
  }

  async #take(job: Job, route: Route, use: LeaseUse): Promise<Seat> {
    const { monitor, log, settings } = this.#parts;
    const { host, reason } = route;
    const sinceMs = this.#nowMs;
    const isStandIn = host.role === "primary" && (reason === "no-replica" || reason === "lagging");
    if (isStandIn && this.#standIns >= settings.mostStandIns) {
      const what = `the primary of "${settings.name}" makes ${this.#standIns} reads in place of replicas, and takes no more (primaryReads)`;
      throw new ReplicaError("REPLICA_OVERLOADED", what, { retryable: true });
    }
    if (isStandIn) this.#standIns++;
    try {
      const taken = host.acquire(use, sinceMs);
      monitor.busy();
      const lease = await taken;
      log.note(route);
      job.host = host;
      const { kind, waitedMs } = route;
      return { host, kind, reason, waitedMs, lease, sinceMs, isStandIn };
    } catch (error) {
      if (isStandIn) this.#standIns--;
      throw error;
    }
  }

  /** A new connection may lead to another server than the last one did: it is asked who it is. */
  async #isPrimary(seat: Seat): Promise<boolean> {
    const { host, lease } = seat;
    if (this.#verified.has(lease.client)) return true;
    let row: Readonly<Record<string, unknown>> | undefined;
    try {
      row = (await lease.run(questionsOf(this.#parts.settings.engine).position, undefined)).rows[0];
    } catch (error) {
      await this.leave(seat, true);
      throw error;
    }
    const { highestTimeline } = this.#parts.topology.cluster;
    if (row?.["standby"] === false && Number(row["timeline"]) >= highestTimeline) {
      this.#verified.add(lease.client);
      return true;
    }
    await this.leave(seat, true);
    this.demote(host);
    return false;
  }

  /** The statement is over: the connection goes back, or to who is bound to it. */
  #part(seat: Seat, { statement }: Job, keep: Keep | undefined): Promise<void> | undefined {
    const { host, lease } = seat;
    const binds = statement.kind === "session" || !lease.isIdle;
    if (keep !== undefined && binds) keep(seat);
    else if (seat.isStandIn || !lease.isReady || !lease.isIdle) return this.leave(seat);
    else host.release(lease);
    return undefined;
  }

  async #fail(seat: Seat, failure: Failure, error: unknown): Promise<void> {
    const isBad = failure === "connection" || failure === "timeout";
    await this.leave(seat, isBad);
    if (failure === "connection") void this.blame(seat.host, error, seat.sinceMs);
    else this.#answered(seat);
  }

  #answered({ host, sinceMs }: Seat): void {
    const nowMs = this.#nowMs;
    this.#parts.monitor.answered(host, nowMs);
    host.latency.update(nowMs - sinceMs, nowMs);
    if (host.health.status === "suspect") host.note({ type: "success", startedMs: sinceMs }, nowMs);
  }

  async #awaitChange(deadlineMs: number, error: () => unknown): Promise<void> {
    const { topology, settings, keepAlive } = this.#parts;
    if (this.#isClosed) throw new ReplicaError("REPLICA_CLOSED", `"${settings.name}" was ended`);
    const { refusal } = topology;
    if (refusal !== undefined) throw refusal;
    if (this.#nowMs >= deadlineMs) throw error();
    await keepAlive.during(topology.changed(deadlineMs));
  }

  #refusal(host: Host, error: unknown): unknown {
    if (failureOf(error) !== "exhausted") return error;
    return poolExhausted(host.name, Number(host.connections.pool.options["max"]), error);
  }

  /** @param last why there was no connection, if one was tried. A pool's own error passes as it is. */
  #unavailable(last: unknown): unknown {
    const { settings, topology } = this.#parts;
    if (last !== undefined && failureOf(last) !== "connection") return last;
    return unavailable(settings.name, settings.failoverMs, last ?? topology.errors);
  }

  #deadlineMs(): number {
    return this.#nowMs + this.#parts.settings.failoverMs;
  }

  get #nowMs(): number {
    return this.#parts.clock.monotonicNow();
  }
}
