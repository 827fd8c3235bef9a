/**
 * Where a read goes: to a replica that is new enough for its session, else to the primary.
 *
 *     what must be seen?   nothing (eventual) · the session's token · the primary's position now (strong)
 *     who has that?        `findReaders`, and the policy picks one
 *     nobody yet           look again, wait up to `wait.ms`
 *     nobody               the primary; if there is none, any replica that has it, in rotation or not
 */

import type { Clock } from "@headroom/core/clock";
import type { Policy } from "../policy.ts";
import { isFreshFor } from "../session/freshness.ts";
import type { SessionScope } from "../session/session-scope.ts";
import type { Token } from "../session/token.ts";
import type { Host } from "../topology/host.ts";
import type { Monitor } from "../topology/monitor.ts";
import type { Topology } from "../topology/topology.ts";
import type { Job } from "./job.ts";
import { findReaders, type MaxLag, type Readers, type ReadNeeds } from "./readers.ts";
import { waitForReplay } from "./replay-wait.ts";
import type { Route, RouteReason } from "./route-log.ts";
import type { RouterSettings } from "./router-settings.ts";
import type { SessionPositions } from "./session-positions.ts";

export interface ReadChoiceParts {
  readonly settings: RouterSettings;
  readonly topology: Topology;
  readonly monitor: Monitor;
  readonly positions: SessionPositions;
  readonly policy: Policy;
  readonly clock: Clock;
}

type Tried = ReadonlySet<Host> | undefined;
/** Undefined while no server is known that may answer. */
export type Choice = Route | undefined;

/** Nothing is asked of a replica but that it answers. */
const ANY_LAG: MaxLag = { ms: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY };

export class ReadChoice {
  readonly #parts: ReadChoiceParts;

  constructor(parts: ReadChoiceParts) {
    this.#parts = parts;
  }

  /** Undefined while no server is known that may answer. At once where nothing has to be asked. */
  choose(job: Job, tried: Tried): Choice | Promise<Choice> {
    const needs = this.#needs(job);
    if (needs instanceof Promise) return needs.then((known) => this.#among(job, known, tried));
    return this.#among(job, needs, tried);
  }

  #among(job: Job, needs: ReadNeeds | RouteReason, tried: Tried): Choice | Promise<Choice> {
    const { settings, positions } = this.#parts;
    if (typeof needs === "string") return this.#standIn(job, needs, 0, tried, undefined);
    const { hosts, reason } = this.#find(needs, tried);
    if (hosts.length > 0) return this.#replica(job, hosts, 0);
    if (reason === "token-behind") {
      positions.refreshSoon(this.#replicas());
      if (settings.waitMs > 0) return this.#afterWait(job, needs, tried);
    }
    return this.#standIn(job, reason, 0, tried, needs);
  }

  async #afterWait(job: Job, needs: ReadNeeds, tried: Tried): Promise<Choice> {
    const sinceMs = this.#nowMs;
    const found = await this.#wait(needs, tried);
    const waitedMs = this.#nowMs - sinceMs;
    if (found.length > 0) return this.#replica(job, found, waitedMs);
    return this.#standIn(job, "token-behind", waitedMs, tried, needs);
  }

  #replica(job: Job, hosts: readonly Host[], waitedMs: number): Route {
    const host = this.#parts.policy.pick(hosts, this.#nowMs);
    const reason = job.route === "replica" ? "hint" : "read";
    return { host, kind: job.statement.kind, reason, waitedMs };
  }

  /**
   * `host` has answered a read of this session by now. A session that stays with the primary would do
   * so for as long as it reads: how far the primary was is known only from a look that begins after the
   * last of its reads.
   */
  noteRead(host: Host, scope: SessionScope): void {
    const { positions, topology } = this.#parts;
    const stays = host === topology.primary && scope.lastReader === host;
    scope.hasRead(host, this.#nowMs);
    if (stays) positions.refreshSoon([host]);
  }

  /** What the read must see; or, when only the primary will do, why. */
  #needs(job: Job): ReadNeeds | RouteReason | Promise<ReadNeeds | RouteReason> {
    const { settings, positions } = this.#parts;
    const { maxLag } = settings;
    const { scope, route } = job;
    if (route === "replica") return { maxLag: ANY_LAG, token: undefined, lastReader: undefined };
    if (settings.consistency === "eventual") {
      return { maxLag, token: undefined, lastReader: undefined };
    }
    if (settings.consistency === "strong") return this.#positionNow();
    scope.settleReads(positions.tokenOf);
    if (!scope.hasUnplacedWrites) return this.#sessionNeeds(scope);
    if (settings.waitMs > 0) return this.#placed(scope);
    positions.placeSoon(scope);
    return "token-behind";
  }

  async #placed(scope: SessionScope): Promise<ReadNeeds | RouteReason> {
    await this.#parts.positions.place(scope);
    return scope.hasUnplacedWrites ? "token-behind" : this.#sessionNeeds(scope);
  }

  #sessionNeeds(scope: SessionScope): ReadNeeds {
    const { token, lastReader } = scope;
    return { maxLag: this.#parts.settings.maxLag, token, lastReader };
  }

  async #positionNow(): Promise<ReadNeeds | RouteReason> {
    const { settings, topology, monitor, positions } = this.#parts;
    const { primary } = topology;
    if (settings.waitMs === 0 || primary === undefined) return "strong";
    const before = primary.observation;
    await monitor.look(primary);
    const { observation } = primary;
    if (topology.primary !== primary || observation === undefined || observation === before)
      return "strong";
    return {
      maxLag: settings.maxLag,
      token: positions.tokenOf(observation),
      lastReader: undefined,
    };
  }

  async #wait(needs: ReadNeeds, tried: Tried): Promise<readonly Host[]> {
    const { settings, monitor, clock } = this.#parts;
    return waitForReplay({
      replicas: () => this.#replicas(),
      lsn: needs.token?.lsn,
      look: (host) => monitor.look(host),
      find: () => this.#find(needs, tried).hosts,
      clock,
      waitMs: settings.waitMs,
    });
  }

  #standIn(
    job: Job,
    reason: RouteReason,
    waitedMs: number,
    tried: Tried,
    needs: ReadNeeds | undefined,
  ): Route | undefined {
    const { topology, monitor } = this.#parts;
    const { primary } = topology;
    const kind = job.statement.kind;
    const token = needs?.token ?? job.scope.token;
    if (primary !== undefined && !tried?.has(primary)) {
      if (!isOutdated(primary, token)) return { host: primary, kind, reason, waitedMs };
      // Somebody has seen a promotion that we have not.
      monitor.search();
      return undefined;
    }
    if (primary !== undefined || needs === undefined) return undefined;
    const [host] = this.#find({ ...needs, maxLag: ANY_LAG }, tried, 1).hosts;
    return host && { host, kind, reason: "no-replica", waitedMs };
  }

  #replicas(): readonly Host[] {
    return this.#parts.topology.hosts.filter(({ role }) => role === "replica");
  }

  #find(needs: ReadNeeds, tried: Tried, leastWeight = 0): Readers {
    const { topology, settings, clock } = this.#parts;
    const { hosts, lag, cluster } = topology;
    const isFresh = ({ observation }: Host, token: Token): boolean =>
      observation !== undefined && isFreshFor(observation, token, cluster, settings, clock.now());
    return findReaders({ hosts, tried, lag, isFresh, nowMs: this.#nowMs, leastWeight }, needs);
  }

  get #nowMs(): number {
    return this.#parts.clock.monotonicNow();
  }
}

/** The session has seen a later timeline: this primary has been replaced. */
function isOutdated({ observation }: Host, token: Token | undefined): boolean {
  if (token === undefined || observation === undefined) return false;
  return token.system === observation.system && token.timeline > observation.timeline;
}
