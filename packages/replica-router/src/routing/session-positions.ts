/**
 * Finds out positions: of what a session has written, and how far servers are by now.
 *
 * Both are a look at a server that began after the question. Looks are shared by all who ask, and what
 * is asked in the background is not asked more often than every {@link SPACING_MS}: a busy process
 * would otherwise ask after each of its writes.
 */

import type { Clock } from "@headroom/core/clock";
import type { SessionScope } from "../session/session-scope.ts";
import type { Token } from "../session/token.ts";
import type { Host } from "../topology/host.ts";
import type { Monitor } from "../topology/monitor.ts";
import type { Observation } from "../topology/observation.ts";
import type { Topology } from "../topology/topology.ts";

const SPACING_MS = 10;

export interface SessionPositionsOptions {
  readonly topology: Topology;
  readonly monitor: Monitor;
  readonly clock: Clock;
}

export class SessionPositions {
  readonly #options: SessionPositionsOptions;
  /** When each was asked last in the background. */
  readonly #askedMs = new WeakMap<SessionScope | Host, number>();

  constructor(options: SessionPositionsOptions) {
    this.#options = options;
  }

  readonly tokenOf = ({ system, timeline, lsn }: Observation): Token => {
    return { system, timeline, lsn, madeMs: this.#options.clock.now() };
  };

  /** What the session has written gets its position, if the primary can be asked. */
  async place(scope: SessionScope): Promise<void> {
    const { topology, monitor } = this.#options;
    const { primary } = topology;
    if (primary === undefined) return;
    const { writes } = scope;
    const before = primary.observation;
    await monitor.look(primary);
    const { observation } = primary;
    if (topology.primary !== primary || observation === undefined || observation === before) return;
    scope.place(this.tokenOf(observation), writes);
  }

  /** The same, in the background. */
  placeSoon(scope: SessionScope): void {
    if (this.#isDue(scope)) void this.place(scope);
  }

  /** How far these are by now is wanted, in the background. */
  refreshSoon(hosts: readonly Host[]): void {
    for (const host of hosts) {
      if (host.isReachable && this.#isDue(host)) void this.#options.monitor.look(host);
    }
  }

  /**
   * All that the session has written and seen, as a token. When the primary cannot be asked, it is one
   * that only the primary satisfies.
   */
  async token(scope: SessionScope): Promise<Token | undefined> {
    const { topology, monitor, clock } = this.#options;
    scope.settleReads(this.tokenOf);
    if (scope.lastReader !== undefined) {
      await monitor.look(scope.lastReader);
      scope.settleReads(this.tokenOf);
    }
    if (scope.hasUnplacedWrites) await this.place(scope);
    if (scope.hasUnplacedWrites) {
      const { system, highestTimeline: timeline } = topology.cluster;
      return system === undefined
        ? scope.token
        : { system, timeline, lsn: undefined, madeMs: clock.now() };
    }
    return scope.token;
  }

  #isDue(asked: SessionScope | Host): boolean {
    const nowMs = this.#options.clock.monotonicNow();
    if (nowMs - (this.#askedMs.get(asked) ?? Number.NEGATIVE_INFINITY) < SPACING_MS) return false;
    this.#askedMs.set(asked, nowMs);
    return true;
  }
}
