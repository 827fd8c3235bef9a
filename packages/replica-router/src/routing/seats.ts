/**
 * Gets statements their connections, and takes them back.
 *
 * What has nothing to wait for is done at once, without a promise: a server is known that may answer,
 * one of its connections is at hand, and who is at its other end was asked before. Under load that is
 * nearly every statement, and promises would be most of what routing costs.
 *
 * What does have to wait, for a connection, a server or a primary, waits until its deadline.
 */

import type { Clock } from "@headroom/core/clock";
import { noPrimary, poolExhausted, ReplicaError, unavailable } from "../errors.ts";
import type { KeepAlive } from "../keep-alive.ts";
import { questionsOf } from "../topology/engine.ts";
import { failureOf } from "../topology/failure.ts";
import type { Host } from "../topology/host.ts";
import type { Lease, LeaseUse } from "../topology/lease.ts";
import type { Monitor } from "../topology/monitor.ts";
import type { Topology } from "../topology/topology.ts";
import type { Job } from "./job.ts";
import type { Choice, ReadChoice } from "./read-choice.ts";
import type { Route, RouteLog, RouteReason } from "./route-log.ts";
import type { RouterSettings } from "./router-settings.ts";
import type { Seat } from "./seat.ts";

export interface SeatsParts {
  readonly settings: RouterSettings;
  readonly topology: Topology;
  readonly monitor: Monitor;
  readonly choice: ReadChoice;
  readonly log: RouteLog;
  readonly clock: Clock;
  readonly keepAlive: KeepAlive;
}

/** A wait for a connection. */
export interface SeatRequest {
  readonly job: Job;
  readonly use: LeaseUse;
  /** Of the monotonic clock. */
  readonly deadlineMs: number;
}

/** One of a read. */
export interface ReaderRequest extends SeatRequest {
  /** Servers that have failed it; most reads have none. */
  tried: Set<Host> | undefined;
}

const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 200;

export class Seats {
  readonly #parts: SeatsParts;
  /** Connections to the primary that were found to lead to one. */
  readonly #verified = new WeakSet<object>();
  #standIns = 0;
  #isClosed = false;
  /** Statements that were sent again; transactions that nobody ended. */
  readonly counts = { retries: 0, leakedTransactions: 0 };

  constructor(parts: SeatsParts) {
    this.#parts = parts;
  }

  /** Undefined when something has to be waited for, or asked first. */
  atHand(job: Job, route: Route, use: LeaseUse): Seat | undefined {
    const { host } = route;
    const isStandIn = standsIn(route);
    if (isStandIn && this.#isFullOfStandIns) return undefined;
    const sinceMs = this.#nowMs;
    const lease = host.take(use, sinceMs);
    if (lease === undefined) return undefined;
    if (host.role === "primary" && !this.#verified.has(lease.client)) {
      host.release(lease);
      return undefined;
    }
    if (isStandIn) this.#standIns++;
    this.#parts.monitor.busy();
    return this.#seat(job, route, lease, sinceMs, isStandIn);
  }

  /**
   * Waits for a server that may answer a read, and a connection to it.
   * @param first what was chosen already, if anything was.
   */
  async reader(request: ReaderRequest, first?: Choice | Promise<Choice>): Promise<Seat> {
    const { choice, clock, topology, keepAlive } = this.#parts;
    const { job, use, deadlineMs } = request;
    let chosen = first ?? choice.choose(job, request.tried);
    let last: unknown;
    let pauseMs = FIRST_PAUSE_MS;
    for (; ; chosen = choice.choose(job, request.tried)) {
      const route = chosen instanceof Promise ? await keepAlive.during(chosen) : chosen;
      if (route === undefined) {
        // A look may succeed where connections fail, or find an outdated primary as it was.
        const isInVain = request.tried !== undefined || topology.primary !== undefined;
        await this.#awaitChange(deadlineMs, () => this.#unavailable(last));
        if (isInVain) {
          await keepAlive.during(clock.sleep(Math.min(pauseMs, deadlineMs - this.#nowMs)));
          pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
        }
        request.tried = undefined;
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
        noteTried(request, route.host);
        this.counts.retries++;
      }
    }
  }

  /** Waits for the primary, and a connection to it. */
  async primary({ job, use, deadlineMs }: SeatRequest, reason: RouteReason): Promise<Seat> {
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
        const seat = await this.#take(job, primaryRoute(job, host, reason), use);
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

  /**
   * Gives a connection back after a statement that went well. At once, but for a transaction that
   * nobody has ended.
   */
  giveBack(seat: Seat): Promise<void> | undefined {
    const { host, lease, isStandIn } = seat;
    if (!lease.isIdle) return this.leave(seat);
    if (isStandIn) this.#standIns--;
    host.release(lease);
    return undefined;
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
    const { topology, monitor } = this.#parts;
    const isRefused = (error as { code?: unknown } | null)?.code === "ECONNREFUSED";
    const nowMs = this.#nowMs;
    if (isRefused) host.note({ type: "eject" }, nowMs);
    else host.note({ type: "failure", kind: "failed", startedMs: sinceMs }, nowMs);
    if (host === topology.primary) monitor.search();
    return monitor.look(host);
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

  async #take(job: Job, route: Route, use: LeaseUse): Promise<Seat> {
    const { monitor, settings } = this.#parts;
    const sinceMs = this.#nowMs;
    const isStandIn = standsIn(route);
    if (isStandIn && this.#isFullOfStandIns) {
      const what = `the primary of "${settings.name}" makes ${this.#standIns} reads in place of replicas, and takes no more (primaryReads)`;
      throw new ReplicaError("REPLICA_OVERLOADED", what, { retryable: true });
    }
    if (isStandIn) this.#standIns++;
    try {
      const taken = route.host.acquire(use, sinceMs);
      monitor.busy();
      return this.#seat(job, route, await taken, sinceMs, isStandIn);
    } catch (error) {
      if (isStandIn) this.#standIns--;
      throw error;
    }
  }

  #seat(job: Job, route: Route, lease: Lease, sinceMs: number, isStandIn: boolean): Seat {
    const { host, kind, reason, waitedMs } = route;
    this.#parts.log.note(route);
    job.host = host;
    return { host, kind, reason, waitedMs, lease, sinceMs, isStandIn };
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

  get #isFullOfStandIns(): boolean {
    return this.#standIns >= this.#parts.settings.mostStandIns;
  }

  get #nowMs(): number {
    return this.#parts.clock.monotonicNow();
  }
}

/** A read that the primary makes in place of a replica. */
function standsIn({ host, reason }: Route): boolean {
  return host.role === "primary" && (reason === "no-replica" || reason === "lagging");
}

export function primaryRoute({ statement: { kind } }: Job, host: Host, reason: RouteReason): Route {
  return { host, kind, reason, waitedMs: 0 };
}

export function noteTried(request: ReaderRequest, host: Host): void {
  request.tried ??= new Set();
  request.tried.add(host);
}
