/**
 * The servers, and which of them is what at the moment.
 *
 *     a look succeeds   → who is primary is decided again; an ejected server may return
 *     a look fails      → the server has no role; what waits for it is told
 *     a role changes    → whoever waits for that goes on
 *
 * A server without an answer is not forgotten: as soon as it answers it is judged like any other.
 *
 * Silence is treated in two steps. After one look without an answer, reads that are under way at the
 * server are cut off, since they can be made elsewhere. What cannot (writes, transactions) is given
 * `hungMs` more: a server that only paused has then lost nothing.
 */

import { type DatabaseRole, replicaLag, replicaRole } from "@headroom/core/channels";
import type { Clock } from "@headroom/core/clock";
import { DeadlineExceededError } from "@headroom/core/deadline";
import { LagHistory } from "../wal/lag-history.ts";
import { type Cluster, clusterAfter, electPrimary } from "./election.ts";
import { failureOf } from "./failure.ts";
import type { Host } from "./host.ts";
import type { Observation } from "./observation.ts";
import { replicaLag as lagOf } from "./replica-lag.ts";

export interface TopologyOptions {
  /** The pool's name. */
  readonly name: string;
  readonly clock: Clock;
  /** How long a silent server keeps what can not be done elsewhere. */
  readonly hungMs: number;
}

export class Topology {
  readonly lag: LagHistory = new LagHistory();
  readonly #options: TopologyOptions;
  #hosts: readonly Host[] = [];
  #cluster: Cluster = { system: undefined, highestTimeline: 0, firstLsn: undefined };
  #primary: Host | undefined;
  readonly #waiting = new Set<() => void>();

  constructor(options: TopologyOptions) {
    this.#options = options;
  }

  get hosts(): readonly Host[] {
    return this.#hosts;
  }

  /** Who takes writes; undefined while nobody is known to. */
  get primary(): Host | undefined {
    return this.#primary;
  }

  get cluster(): Cluster {
    return this.#cluster;
  }

  /** Each server was looked at. */
  get isExplored(): boolean {
    return this.#hosts.every((host) => host.isExplored);
  }

  /** What all servers say, when none of them will ever let us in: a wrong password, no such database. */
  get refusal(): unknown {
    const errors = this.#hosts.map(({ isReachable, error }) => (isReachable ? undefined : error));
    const isFinal = (error: unknown): boolean =>
      error !== undefined && failureOf(error) === "statement" && !(error instanceof TypeError);
    return errors.length > 0 && errors.every(isFinal) ? errors[0] : undefined;
  }

  /** Why servers do not answer, for an error's cause. */
  get errors(): AggregateError {
    const errors = this.#hosts.flatMap(({ error }) => (error === undefined ? [] : [error]));
    return new AggregateError(errors, "what the servers said last");
  }

  replace(hosts: readonly Host[]): void {
    const left = this.#hosts.filter((host) => !hosts.includes(host));
    this.#hosts = hosts;
    for (const host of left) this.#assign(host, "unknown");
    this.#elect();
  }

  /** A server has answered. */
  observed(host: Host, seen: Observation): void {
    const nowMs = this.#options.clock.monotonicNow();
    host.observation = seen;
    host.failedLooks = 0;
    host.error = undefined;
    host.answeredMs = nowMs;
    host.note({ type: "probe" }, nowMs);
    host.note({ type: "success", startedMs: nowMs }, nowMs);
    this.#cluster = clusterAfter(this.#cluster, seen);
    this.#elect();
    if (host === this.#primary) {
      if (seen.lsn !== undefined) this.lag.note(seen.lsn, seen.answeredMs);
    } else if (host.role === "replica") this.#tellLag(host, seen, nowMs);
  }

  /** A server was looked at and gave no answer. */
  unreachable(host: Host, error: unknown): void {
    const nowMs = this.#options.clock.monotonicNow();
    if (host.failedLooks === 0) {
      host.silentSinceMs = nowMs;
      host.outages++;
    }
    host.failedLooks++;
    host.error = error;
    host.note({ type: "eject" }, nowMs);
    this.#elect();
    if (!(error instanceof DeadlineExceededError)) return;
    const isHung = nowMs - host.silentSinceMs >= this.#options.hungMs;
    host.connections.cut(isHung ? "everything" : "reads", `${host.name} does not answer`);
  }

  /** A server has said `25006` or that it is in recovery, where a primary was expected. */
  demoted(host: Host): void {
    if (host.observation !== undefined) host.observation = { ...host.observation, isStandby: true };
    this.#elect();
  }

  /** Resolves when something has changed, or at the latest at `deadlineMs` of the monotonic clock. */
  changed(deadlineMs: number): Promise<void> {
    const { clock } = this.#options;
    return new Promise((resolve) => {
      const done = (): void => {
        timer.cancel();
        this.#waiting.delete(done);
        resolve();
      };
      const timer = clock.timer(done, deadlineMs - clock.monotonicNow());
      this.#waiting.add(done);
    });
  }

  #elect(): void {
    const reachable = this.#hosts.map((host) => ({
      host,
      observation: host.isReachable ? host.observation : undefined,
    }));
    const present = reachable.find(({ host }) => host === this.#primary);
    // Who comes late may be on a later timeline: the first to answer could be an old primary.
    const isTooSoon = this.#primary === undefined && !this.isExplored;
    const elected = isTooSoon ? undefined : electPrimary(reachable, this.#cluster, present)?.host;
    const isNew = elected !== this.#primary && elected !== undefined;
    if (isNew) this.lag.forget();
    this.#primary = elected;
    for (const host of this.#hosts) this.#assign(host, this.#roleOf(host));
    if (isNew) this.#fence(elected);
    this.#announce();
  }

  #roleOf(host: Host): DatabaseRole {
    if (host === this.#primary) return "primary";
    const { observation } = host;
    const isOurs = observation?.system === this.#cluster.system;
    return host.isReachable && isOurs && observation?.isStandby ? "replica" : "unknown";
  }

  #assign(host: Host, role: DatabaseRole): void {
    const from = host.role;
    if (from === role) return;
    host.role = role;
    const { name: pool, clock } = this.#options;
    replicaRole.publish(() => ({ pool, node: host.name, from, to: role, atMs: clock.now() }));
    // Whoever took writes and is not the primary any more may be another's past: nothing may be left there.
    if (from === "primary" && host.isReachable) {
      host.connections.cut("everything", `${host.name} is not the primary any more`);
    }
  }

  #tellLag(host: Host, seen: Observation, nowMs: number): void {
    const { name: pool, clock } = this.#options;
    replicaLag.publish(() => {
      const { ms: lagMs, bytes: lagBytes } = lagOf(seen, this.lag, nowMs);
      return { pool, node: host.name, lagMs, lagBytes, atMs: clock.now() };
    });
  }

  /**
   * What is still under way at a primary that has been replaced would take effect there if it woke up,
   * and be acknowledged, and lost.
   */
  #fence(elected: Host): void {
    for (const host of this.#hosts) {
      const { observation } = host;
      if (host === elected || observation === undefined || observation.isStandby) continue;
      host.connections.cut("everything", `${host.name} is not the primary any more`);
    }
  }

  #announce(): void {
    for (const done of [...this.#waiting]) done();
  }
}
