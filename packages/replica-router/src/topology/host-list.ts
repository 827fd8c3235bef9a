/** Makes servers, and lets those go that are on the list no more. */

import type { Clock } from "@headroom/core/clock";
import type { HealthPolicy } from "@headroom/core/health";
import type { PgClient, PgModule } from "../pg-module.ts";
import { Host, type HostConfig } from "./host.ts";
import { HostConnections } from "./host-connections.ts";
import type { Monitor } from "./monitor.ts";
import { Prober } from "./prober.ts";
import type { Topology } from "./topology.ts";

export interface HostListParts {
  readonly pg: PgModule;
  readonly topology: Topology;
  readonly monitor: Monitor;
  readonly clock: Clock;
  readonly health: HealthPolicy;
  readonly max: number;
  readonly timeoutMs: number;
  readonly onConnect: (host: Host, client: PgClient) => void;
  readonly onLost: (host: Host, error: Error) => void;
  readonly onParameter: (host: Host, name: string, value: string) => void;
}

/** How long what is under way at a server that has left the list may take. */
const DRAIN_MS = 30_000;

export class HostList {
  readonly #parts: HostListParts;

  constructor(parts: HostListParts) {
    this.#parts = parts;
  }

  /** Servers are known by their names: one that stays keeps its connections and its past. */
  use(configs: readonly HostConfig[]): void {
    const { topology, monitor, clock } = this.#parts;
    const known = new Map(topology.hosts.map((host) => [host.name, host]));
    const hosts = configs.map((config) => known.get(config.name) ?? this.#make(config));
    topology.replace(hosts);
    for (const host of hosts) if (!known.has(host.name)) monitor.watch(host);
    for (const host of known.values()) {
      if (!hosts.includes(host)) void this.#end(host, clock.sleep(DRAIN_MS));
    }
  }

  /** Ends all of them. @param hurry resolves when what is under way has had its time. */
  async close(hurry: Promise<unknown>): Promise<void> {
    const { topology } = this.#parts;
    await Promise.all(topology.hosts.map((host) => this.#end(host, hurry)));
  }

  #end(host: Host, hurry: Promise<unknown>): Promise<void> {
    this.#parts.monitor.forget(host);
    return host.connections.close(hurry);
  }

  #make(config: HostConfig): Host {
    const { pg, topology, clock, health, max, timeoutMs } = this.#parts;
    const { onConnect, onLost, onParameter } = this.#parts;
    const connections = new HostConnections({
      pg,
      config: config.connection,
      max,
      onConnect: (client) => onConnect(host, client),
      onLost: (error) => onLost(host, error),
      onParameter: (name, value) => onParameter(host, name, value),
    });
    const prober = new Prober({
      pg,
      config: config.connection,
      clock,
      name: config.name,
      timeoutMs,
      onObserved: (seen) => topology.observed(host, seen),
      onFailed: (error) => topology.unreachable(host, error),
      onLost: () => void this.#parts.monitor.look(host),
    });
    const host: Host = new Host({
      config,
      connections,
      prober,
      health,
      nowMs: clock.monotonicNow(),
    });
    return host;
  }
}
