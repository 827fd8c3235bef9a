/** One database server: its connections, what is known of it, and how it has behaved. */

import type { DatabaseRole } from "@headroom/core/channels";
import { PeakEwma } from "@headroom/core/ewma";
import {
  type Health,
  type HealthEvent,
  type HealthPolicy,
  initialHealth,
  nextHealth,
  weightAt,
} from "@headroom/core/health";
import type { ConnectionConfig } from "../pg-module.ts";
import type { HostConnections } from "./host-connections.ts";
import type { Lease, LeaseUse } from "./lease.ts";
import type { Observation } from "./observation.ts";
import type { Prober } from "./prober.ts";

/** A server as the application, or a discovery, names it. */
export interface HostConfig {
  /** As in events; `host:port` unless given. */
  readonly name: string;
  readonly weight: number;
  readonly connection: ConnectionConfig;
}

export interface HostParts {
  readonly config: HostConfig;
  readonly connections: HostConnections;
  readonly prober: Prober;
  readonly health: HealthPolicy;
  readonly nowMs: number;
}

/** How slowly a slow answer is forgotten. */
const LATENCY_DECAY_MS = 10_000;
/** Of a server that was not measured yet. */
const FIRST_LATENCY_MS = 1;

export class Host {
  readonly name: string;
  /** Its weight may change while it is used. */
  config: HostConfig;
  readonly connections: HostConnections;
  readonly prober: Prober;
  role: DatabaseRole = "unknown";
  /** What was seen when it last answered. */
  observation: Observation | undefined;
  /** Why it did not answer when it was last looked at. */
  error: unknown;
  /** Looks in a row without an answer, and since when. */
  failedLooks = 0;
  silentSinceMs = 0;
  /** How often sight of it was lost. What it had replayed before, it need not have after: a crash takes some back. */
  outages = 0;
  inFlight = 0;
  /** When it last answered anything, or began to have something to answer. */
  answeredMs: number;
  readonly latency: PeakEwma;
  readonly #policy: HealthPolicy;
  #health: Health;

  constructor({ config, connections, prober, health, nowMs }: HostParts) {
    this.name = config.name;
    this.config = config;
    this.connections = connections;
    this.prober = prober;
    this.#policy = health;
    this.#health = initialHealth(nowMs);
    this.answeredMs = nowMs;
    this.latency = new PeakEwma(LATENCY_DECAY_MS, FIRST_LATENCY_MS, nowMs);
  }

  /** It was looked at, with or without success. */
  get isExplored(): boolean {
    return this.observation !== undefined || this.failedLooks > 0;
  }

  get isReachable(): boolean {
    return this.observation !== undefined && this.failedLooks === 0;
  }

  get health(): Health {
    return this.#health;
  }

  /** @returns whether that has taken it out of rotation, or back. */
  note(event: HealthEvent, nowMs: number): boolean {
    const before = this.#health;
    this.#health = nextHealth(before, event, nowMs, this.#policy);
    return weighs(before) !== weighs(this.#health);
  }

  /** Its weight, smaller while it is new in the rotation; 0 out of it. */
  weightAt(nowMs: number): number {
    return this.config.weight * weightAt(this.#health, nowMs, this.#policy);
  }

  /** Takes a connection. @throws what pg says; nothing has been sent then. */
  async acquire(use: LeaseUse, nowMs: number): Promise<Lease> {
    this.#begin(nowMs);
    try {
      return await this.connections.acquire(use);
    } catch (error) {
      this.inFlight--;
      throw error;
    }
  }

  /** Takes one that is at hand. Undefined when one has to be waited for. */
  take(use: LeaseUse, nowMs: number): Lease | undefined {
    const lease = this.connections.take(use);
    if (lease !== undefined) this.#begin(nowMs);
    return lease;
  }

  #begin(nowMs: number): void {
    if (this.inFlight === 0) this.answeredMs = nowMs;
    this.inFlight++;
  }

  /** Gives it back. @param isBad it is closed, not given to others. */
  release(lease: Lease, isBad = false): void {
    this.inFlight--;
    lease.release(isBad);
  }
}

function weighs(health: Health): boolean {
  return health.status === "healthy" || health.status === "suspect";
}
