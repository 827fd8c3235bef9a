/** What a balancer tells on its channels, beside the health of its targets. */

import { type LbRejected, lbDiscovery, lbPanic, lbRejected } from "@headroom/core/channels";
import type { Clock } from "@headroom/core/clock";

export class BalancerEvents {
  readonly #pool: string;
  readonly #clock: Clock;
  #panics: ReadonlySet<number> = new Set();

  constructor(pool: string, clock: Clock) {
    this.#pool = pool;
    this.#clock = clock;
  }

  rejected(reason: LbRejected["reason"]): void {
    lbRejected.publish(() => ({ pool: this.#pool, reason, atMs: this.#clock.now() }));
  }

  discoveryFailed(error: unknown): void {
    const code = codeOf(error);
    lbDiscovery.publish(() => ({ pool: this.#pool, code, atMs: this.#clock.now() }));
  }

  /** These priorities are in panic now: tells which were not before, and which are no longer. */
  panicking(priorities: ReadonlySet<number>): void {
    for (const priority of priorities) {
      if (!this.#panics.has(priority)) this.#panic(priority, true);
    }
    for (const priority of this.#panics) {
      if (!priorities.has(priority)) this.#panic(priority, false);
    }
    this.#panics = priorities;
  }

  #panic(priority: number, panic: boolean): void {
    lbPanic.publish(() => ({ pool: this.#pool, priority, panic, atMs: this.#clock.now() }));
  }
}

function codeOf(error: unknown): string {
  if (typeof error !== "object" || error === null) return "unknown";
  if ("code" in error && typeof error.code === "string") return error.code;
  return error instanceof Error ? error.name : "unknown";
}
