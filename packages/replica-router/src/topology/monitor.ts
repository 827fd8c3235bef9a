/**
 * When each server is looked at.
 *
 *     all is well         every `intervalMs`, with jitter, so that a fleet does not ask in step
 *     no primary known    every {@link SEARCH_MS}: writes are waiting
 *     it does not answer  soon again, then less and less often, up to `intervalMs`
 *     it is too quiet     at once: something is under way and has had no answer for `silenceMs`
 *     somebody asks       at once: a failed statement, a session that wants to know a position
 *
 * The one for quiet servers is what finds a hung one fast without asking idle ones often. While a long
 * query runs, the looks that find its server well come at growing intervals.
 */

import type { Clock, Timer } from "@headroom/core/clock";
import type { Random } from "@headroom/core/random";
import type { Host } from "./host.ts";
import type { Topology } from "./topology.ts";

export interface MonitorOptions {
  readonly topology: Topology;
  readonly clock: Clock;
  readonly random: Random;
  readonly intervalMs: number;
  readonly silenceMs: number;
}

const SEARCH_MS = 50;
const FIRST_RETRY_MS = 100;
/** How exact `silenceMs` is. */
const TICK_MS = 50;

export class Monitor {
  readonly #options: MonitorOptions;
  readonly #timers = new Map<Host, Timer>();
  /** How long a busy server may be quiet: longer after each look that found it well. */
  readonly #patienceMs = new Map<Host, number>();
  #tick: Timer | undefined;

  constructor(options: MonitorOptions) {
    this.#options = options;
  }

  watch(host: Host): void {
    this.#timers.set(host, NO_TIMER);
    void this.look(host);
  }

  forget(host: Host): void {
    this.#timers.get(host)?.cancel();
    this.#timers.delete(host);
    this.#patienceMs.delete(host);
    host.prober.close();
  }

  /** Resolves after a look that began after this call. */
  async look(host: Host): Promise<void> {
    const { topology, clock } = this.#options;
    const wasPrimary = host === topology.primary;
    await host.prober.look();
    if (!this.#timers.has(host)) return;
    if (wasPrimary && topology.primary === undefined) this.search();
    this.#timers.get(host)?.cancel();
    this.#timers.set(
      host,
      clock.timer(() => void this.look(host), this.#pauseMs(host)),
    );
  }

  /** Looks at all servers now: who is primary is in doubt. */
  search(): void {
    for (const host of this.#timers.keys()) if (!host.prober.isLooking) void this.look(host);
  }

  /** A statement is on its way: whether it is answered is watched from now on. */
  busy(): void {
    this.#tick ??= this.#options.clock.timer(this.#checkSilence, TICK_MS);
  }

  /** A statement was answered. */
  answered(host: Host, nowMs: number): void {
    host.answeredMs = nowMs;
    if (this.#patienceMs.size > 0) this.#patienceMs.delete(host);
  }

  close(): void {
    this.#tick?.cancel();
    for (const host of [...this.#timers.keys()]) this.forget(host);
  }

  #pauseMs({ failedLooks }: Host): number {
    const { topology, intervalMs, random } = this.#options;
    const jitter = 0.5 + 0.5 * random();
    if (topology.primary === undefined) return Math.min(SEARCH_MS, intervalMs) * jitter;
    const pauseMs = failedLooks === 0 ? intervalMs : FIRST_RETRY_MS * 2 ** (failedLooks - 1);
    return Math.min(pauseMs, intervalMs) * jitter;
  }

  readonly #checkSilence = (): void => {
    const { topology, clock, silenceMs, intervalMs } = this.#options;
    this.#tick = undefined;
    const nowMs = clock.monotonicNow();
    let isBusy = false;
    for (const host of topology.hosts) {
      if (host.inFlight === 0) continue;
      isBusy = true;
      const patienceMs = this.#patienceMs.get(host) ?? silenceMs;
      if (host.prober.isLooking || nowMs - host.answeredMs < patienceMs) continue;
      this.#patienceMs.set(host, Math.min(2 * patienceMs, Math.max(silenceMs, intervalMs)));
      void this.look(host);
    }
    if (isBusy) this.busy();
  };
}

const NO_TIMER: Timer = { cancel: () => {}, [Symbol.dispose]: () => {} };
