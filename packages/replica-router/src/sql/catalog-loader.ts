/**
 * Keeps the classifier informed of what the database has.
 *
 * The first statement waits for it: a function that writes would otherwise be taken for a read until
 * then. Afterwards it is read again now and then, and soon after a replica has refused something. When
 * it cannot be read, what PostgreSQL itself has is known anyway.
 */

import type { Clock, Timer } from "@headroom/core/clock";
import type { Host } from "../topology/host.ts";
import type { Topology } from "../topology/topology.ts";
import { loadSqlCatalog } from "./sql-catalog.ts";
import type { SqlClassifier } from "./sql-classifier.ts";

export interface CatalogLoaderOptions {
  readonly topology: Topology;
  readonly classifier: SqlClassifier;
  readonly clock: Clock;
  /** How long the first statement waits at most. */
  readonly patienceMs: number;
}

const REFRESH_MS = 60_000;
const RETRY_MS = 1000;

export class CatalogLoader {
  readonly #options: CatalogLoaderOptions;
  #first: Promise<void> | undefined;
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(options: CatalogLoaderOptions) {
    this.#options = options;
    this.#first = this.#loadFirst().finally(() => {
      this.#first = undefined;
    });
  }

  /** Undefined when the first attempt is over. */
  readonly ready = (): Promise<void> | undefined => this.#first;

  /** Something is not as it was thought to be. */
  refreshSoon(): void {
    this.#plan(RETRY_MS);
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  async #loadFirst(): Promise<void> {
    const { topology, clock, patienceMs } = this.#options;
    const deadlineMs = clock.monotonicNow() + patienceMs;
    while (!this.#isClosed && topology.refusal === undefined && clock.monotonicNow() < deadlineMs) {
      if (topology.hosts.some(({ isReachable }) => isReachable)) return this.#load();
      await topology.changed(deadlineMs);
    }
    this.#plan(RETRY_MS);
  }

  async #load(): Promise<void> {
    const { topology, classifier } = this.#options;
    const host = topology.primary ?? topology.hosts.find(({ isReachable }) => isReachable);
    const catalog = host && (await this.#read(host).catch(() => undefined));
    if (catalog !== undefined) classifier.useCatalog(catalog);
    this.#plan(catalog === undefined ? RETRY_MS : REFRESH_MS);
  }

  async #read(host: Host): ReturnType<typeof loadSqlCatalog> {
    const lease = await host.acquire("read", this.#options.clock.monotonicNow());
    try {
      const catalog = await loadSqlCatalog(async (text) => (await lease.run(text)).rows);
      host.release(lease);
      return catalog;
    } catch (error) {
      host.release(lease, true);
      throw error;
    }
  }

  #plan(delayMs: number): void {
    this.#timer?.cancel();
    if (!this.#isClosed) this.#timer = this.#options.clock.timer(() => void this.#load(), delayMs);
  }
}
