/** What was decided, counted and told. */

import { type DatabaseRole, type ReplicaRoute, replicaRoute } from "@headroom/core/channels";
import type { Clock } from "@headroom/core/clock";
import { shield } from "@headroom/core/shield";
import type { Host } from "../topology/host.ts";
import { replicaLag } from "../topology/replica-lag.ts";
import type { LagHistory } from "../wal/lag-history.ts";

export type RouteReason = ReplicaRoute["reason"];
export type StatementKind = ReplicaRoute["kind"];

/** Where one statement went, for `onRoute`. */
export type RouteDecision = Omit<ReplicaRoute, "atMs">;

export interface RouteLogOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly lag: LagHistory;
  readonly onRoute: ((decision: RouteDecision) => void) | undefined;
}

export interface Route {
  readonly host: Host;
  readonly kind: StatementKind;
  readonly reason: RouteReason;
  readonly waitedMs: number;
}

export class RouteLog {
  readonly #options: RouteLogOptions;
  readonly #tell: ((decision: RouteDecision) => void) | undefined;
  /** By kind, role and reason: a text for each statement would cost more than all the rest. */
  readonly #counts = new Map<StatementKind, Map<DatabaseRole, Map<RouteReason, number>>>();

  constructor(options: RouteLogOptions) {
    this.#options = options;
    const { onRoute } = options;
    const warning = { what: "onRoute", code: "HEADROOM_ON_ROUTE" } as const;
    this.#tell = onRoute && shield(onRoute, () => {}, warning);
  }

  note(route: Route): void {
    const { kind, reason, host } = route;
    const counts = entry(entry(this.#counts, kind), host.role);
    counts.set(reason, (counts.get(reason) ?? 0) + 1);
    this.#tell?.(this.#decision(route));
    replicaRoute.publish(() => ({ ...this.#decision(route), atMs: this.#options.clock.now() }));
  }

  /** How many statements went which way, by `kind/role/reason`. */
  get counts(): Readonly<Record<string, number>> {
    const flat: Record<string, number> = {};
    for (const [kind, byRole] of this.#counts) {
      for (const [role, byReason] of byRole) {
        for (const [reason, count] of byReason) flat[`${kind}/${role}/${reason}`] = count;
      }
    }
    return flat;
  }

  #decision({ host, kind, reason, waitedMs }: Route): RouteDecision {
    const { name: pool, clock, lag } = this.#options;
    const { name: node, role, observation } = host;
    const seen = role === "replica" ? observation : undefined;
    const { ms: lagMs } = replicaLag(seen, lag, clock.monotonicNow());
    return { pool, node, role, kind, reason, lagMs, waitedMs };
  }
}

function entry<Key, Inner, Value>(map: Map<Key, Map<Inner, Value>>, key: Key): Map<Inner, Value> {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = new Map<Inner, Value>();
  map.set(key, made);
  return made;
}
