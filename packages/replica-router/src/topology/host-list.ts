/** Makes servers, and lets those go that are on the list no more. */

import type { Clock } from "@headroom/core/clock";
import type { HealthPolicy } from "@headroom/core/health";
import type { PgClient, PgModule } from "../pg-module.ts";
import type { Engine } from "./engine.ts";
import { Host, type HostConfig } from "./host.ts";
import { HostConnections } from "./host-connections.ts";
import type { Monitor } from "./monitor.ts";
import { Prober } from "./prober.ts";
import type { Topology } from "./topology.ts";

export interface HostListParts {
  readonly pg: PgModule;
  readonly engine: Engine;
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
  /** They have left the list, and something is under way there. */
  readonly #draining = new Set<Host>();

  constructor(parts: HostListParts) {
    this.#parts = parts;
  }

  /**
   * Servers are known by name and address: one that stays keeps its connections and its past. One of a
   * known name at another address, as of a container that was started elsewhere, is a new one.
   */
  use(configs: readonly HostConfig[]): void {
    const { topology, monitor, clock } = this.#parts;
    const known = new Set(topology.hosts);
    const hosts = configs.map((config) => {
      const host = topology.hosts.find(({ name }) => name === config.name);
      if (host === undefined || !isSameAddress(host.config, config)) return this.#make(config);
      host.config = { ...host.config, weight: config.weight };
      return host;
    });
    topology.replace(hosts);
    for (const host of hosts) if (!known.has(host)) monitor.watch(host);
    for (const host of known) {
      if (!hosts.includes(host)) void this.#drain(host, clock.sleep(DRAIN_MS));
    }
  }

  /**
   * Ends all of them, also those that have left the list.
   * @param hurry resolves when what is under way has had its time.
   */
  async close(hurry: Promise<unknown>): Promise<void> {
    const hosts = [...this.#parts.topology.hosts, ...this.#draining];
    await Promise.all(hosts.map((host) => this.#end(host, hurry)));
  }

  async #drain(host: Host, hurry: Promise<unknown>): Promise<void> {
    this.#draining.add(host);
    await this.#end(host, hurry);
    this.#draining.delete(host);
  }

  #end(host: Host, hurry: Promise<unknown>): Promise<void> {
    this.#parts.monitor.forget(host);
    return host.connections.close(hurry);
  }

  #make(config: HostConfig): Host {
    const { pg, engine, topology, clock, health, max, timeoutMs } = this.#parts;
    const { onConnect, onLost, onParameter } = this.#parts;
    const connections = new HostConnections({
      pg,
      config: config.connection,
      max,
      clock,
      onConnect: (client) => onConnect(host, client),
      onLost: (error) => onLost(host, error),
      onParameter: (name, value) => onParameter(host, name, value),
    });
    const prober = new Prober({
      pg,
      engine,
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

function isSameAddress({ connection: a }: HostConfig, { connection: b }: HostConfig): boolean {
  return (["host", "port", "connectionString"] as const).every((field) => a[field] === b[field]);
}
