/**
 * Who is healthy: what results of requests and checks do to an endpoint's health.
 *
 * The state of one endpoint moves as `core/health` says. What one endpoint cannot know is added here:
 *
 * - **Not too many at once.** Failed requests never eject more than the allowed share
 *   (`ejection-limit.ts`); one that would be too many stays suspect, and its next failure asks again.
 * - **Failing often, though not in a row.** An endpoint whose success rate is far below that of the
 *   others is ejected too (`outlier.ts`).
 * - **Active checks** are a second opinion, not bound by that limit: with them a whole priority may be
 *   found unfit, which is what panic is for. An endpoint is in rotation when both agree. A check
 *   that succeeds does not shorten an ejection, since real requests failed where checks
 *   may not look; once the ejection is over, the check is the probe.
 */

import { type LbBackend, lbBackend } from "@headroom/core/channels";
import type { Clock } from "@headroom/core/clock";
import {
  type FailureKind,
  type Health,
  type HealthEvent,
  type HealthPolicy,
  isProbeDue,
  nextHealth,
} from "@headroom/core/health";
import { mayEject } from "./ejection-limit.ts";
import type { Endpoint } from "./endpoint.ts";
import { findOutliers, type OutlierRules } from "./outlier.ts";
import type { Roster } from "./roster.ts";

export interface JudgeRules {
  readonly name: string;
  readonly health: HealthPolicy;
  readonly maxEjectedShare: number;
  readonly successRate: OutlierRules | undefined;
  readonly clock: Clock;
}

/** The success rates are compared once in so long, and only when something fails. */
const OUTLIER_INTERVAL_MS = 1_000;

export class Judge<T> {
  readonly #roster: Roster<T>;
  readonly #rules: JudgeRules;
  readonly #onChange: () => void;
  #nextOutlierMs = Number.NEGATIVE_INFINITY;

  /** @param onChange somebody came into rotation or went out of it. */
  constructor(roster: Roster<T>, rules: JudgeRules, onChange: () => void) {
    this.#roster = roster;
    this.#rules = rules;
    this.#onChange = onChange;
  }

  succeeded(endpoint: Endpoint<T>, startedMs: number, nowMs: number): void {
    endpoint.window.record(true, nowMs);
    if (endpoint.health.status === "healthy") return;
    this.#move(endpoint, { type: "success", startedMs }, nowMs, "probe-succeeded");
  }

  failed(endpoint: Endpoint<T>, kind: FailureKind, startedMs: number, nowMs: number): void {
    endpoint.window.record(false, nowMs);
    const reason = endpoint.health.status === "probing" ? "probe-failed" : "consecutive-failures";
    this.#move(endpoint, { type: "failure", kind, startedMs }, nowMs, reason);
    this.#ejectOutliers(endpoint, nowMs);
  }

  /** It has too much to do: no step in a row of failures, but no success either. */
  throttled(endpoint: Endpoint<T>, startedMs: number, nowMs: number): void {
    endpoint.window.record(false, nowMs);
    this.#move(endpoint, { type: "abandoned", startedMs }, nowMs, "probe-failed");
    this.#ejectOutliers(endpoint, nowMs);
  }

  abandoned(endpoint: Endpoint<T>, startedMs: number, nowMs: number): void {
    this.#move(endpoint, { type: "abandoned", startedMs }, nowMs, "probe-failed");
  }

  /** What the active checks of an endpoint amount to. */
  checked(endpoint: Endpoint<T>, isFit: boolean, nowMs: number): void {
    if (isFit && isProbeDue(endpoint.health, nowMs, this.#rules.health)) {
      this.#move(endpoint, { type: "probe" }, nowMs, "probe-started");
      this.#move(endpoint, { type: "success", startedMs: nowMs }, nowMs, "probe-succeeded");
    }
    if (endpoint.failsChecks === !isFit) return;
    const wasAvailable = endpoint.isAvailable;
    const { status } = endpoint.health;
    endpoint.failsChecks = !isFit;
    if (isFit && (status === "healthy" || status === "suspect")) {
      // It has joined again, with a slow start.
      endpoint.health = { status: "healthy", joinedMs: nowMs, ejectionMs: 0 };
      endpoint.forgive();
    }
    if (endpoint.isAvailable === wasAvailable) return;
    this.#publish(
      endpoint,
      isFit ? "ejected" : status,
      isFit ? endpoint.health.status : "ejected",
      isFit ? "probe-succeeded" : "probe-failed",
    );
    this.#onChange();
  }

  drain(endpoint: Endpoint<T>, nowMs: number): void {
    this.#move(endpoint, { type: "drain" }, nowMs, "drained");
  }

  resume(endpoint: Endpoint<T>, nowMs: number): void {
    this.#move(endpoint, { type: "resume" }, nowMs, "resumed");
  }

  /** An endpoint whose ejection is over, now being probed: the next request is for it. */
  startProbe(exclude: ReadonlySet<unknown> | undefined, nowMs: number): Endpoint<T> | undefined {
    for (const endpoint of this.#roster) {
      if (!isProbeDue(endpoint.health, nowMs, this.#rules.health)) continue;
      if (endpoint.failsChecks || exclude?.has(endpoint)) continue;
      this.#move(endpoint, { type: "probe" }, nowMs, "probe-started");
      return endpoint;
    }
    return undefined;
  }

  /** When the next probe is due; `Infinity` when nobody is ejected. */
  get nextProbeMs(): number {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const { health } of this.#roster) {
      if (health.status === "ejected") nextMs = Math.min(nextMs, health.untilMs);
      if (health.status === "probing") {
        nextMs = Math.min(nextMs, health.startedMs + this.#rules.health.probeTimeoutMs);
      }
    }
    return nextMs;
  }

  joined(endpoint: Endpoint<T>): void {
    this.#publish(endpoint, "absent", endpoint.health.status, "joined");
    this.#onChange();
  }

  left(endpoint: Endpoint<T>): void {
    this.#publish(endpoint, endpoint.health.status, "absent", "left");
    this.#onChange();
  }

  #move(
    endpoint: Endpoint<T>,
    event: HealthEvent,
    nowMs: number,
    reason: LbBackend["reason"],
  ): void {
    const before = endpoint.health;
    const after = nextHealth(before, event, nowMs, this.#rules.health);
    if (after === before) return;
    const wasInRotation = isInRotation(before);
    if (wasInRotation && after.status === "ejected" && !this.#mayEject(endpoint)) return;
    endpoint.health = after;
    if (wasInRotation && isInRotation(after)) return;
    // Its old failures are settled: it starts with a clean sheet, and a small share.
    if (isInRotation(after)) endpoint.forgive();
    if (before.status === "draining" || after.status === "draining") {
      this.#roster.presenceChanged();
    }
    this.#publish(endpoint, before.status, after.status, reason);
    this.#onChange();
  }

  #mayEject(endpoint: Endpoint<T>): boolean {
    const peers = this.#roster.levels.get(endpoint.priority) ?? [];
    const ejected = peers.filter(({ health }) => !isInRotation(health)).length;
    return mayEject(ejected, peers.length, this.#rules.maxEjectedShare);
  }

  #ejectOutliers(endpoint: Endpoint<T>, nowMs: number): void {
    const rules = this.#rules.successRate;
    if (rules === undefined || nowMs < this.#nextOutlierMs) return;
    this.#nextOutlierMs = nowMs + OUTLIER_INTERVAL_MS;
    const peers = (this.#roster.levels.get(endpoint.priority) ?? []).filter(
      ({ isAvailable }) => isAvailable,
    );
    const rates = peers.map(({ window }) => window.rateAt(nowMs));
    for (const at of findOutliers(rates, rules)) {
      const outlier = peers[at];
      if (outlier !== undefined) this.#move(outlier, { type: "eject" }, nowMs, "success-rate");
    }
  }

  #publish(
    endpoint: Endpoint<T>,
    from: LbBackend["from"],
    to: LbBackend["to"],
    reason: LbBackend["reason"],
  ): void {
    const { name, clock } = this.#rules;
    lbBackend.publish(() => ({
      pool: name,
      backend: endpoint.id,
      from,
      to,
      reason,
      atMs: clock.now(),
    }));
  }
}

function isInRotation({ status }: Health): boolean {
  return status === "healthy" || status === "suspect";
}
