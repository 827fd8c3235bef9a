/**
 * Puts back what dead workers have left, while this one lives.
 *
 * Claims sweep on their way, and an idle worker claims every second, so the jobs of one that died are
 * ready a moment after their lease has run out. What only a sweep does (to drop what is kept too long,
 * to tell which jobs were found dead) is done three times in a lease. One that finds nothing is cheap.
 */

import type { Clock, Timer } from "@headroom/core/clock";
import type { Random } from "@headroom/core/random";
import type { QueueDriver, QueueSettings, Swept } from "../driver.ts";

export interface SweeperParts {
  readonly driver: Pick<QueueDriver, "sweep">;
  readonly settings: QueueSettings;
  readonly leaseMs: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly swept: (swept: Swept) => void;
  readonly failed: (error: unknown) => void;
}

const SWEEPS_IN_A_LEASE = 3;

export class Sweeper {
  readonly #parts: SweeperParts;
  #timer: Timer | undefined;
  #sweeping: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(parts: SweeperParts) {
    this.#parts = parts;
  }

  start(): void {
    const { clock, random, leaseMs } = this.#parts;
    const delayMs = (leaseMs / SWEEPS_IN_A_LEASE) * (0.5 + random() / 2);
    this.#timer = clock.timer(() => {
      this.#sweeping = this.#sweep();
    }, delayMs);
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  /** Resolves when none is under way. */
  idle(): Promise<void> {
    return this.#sweeping;
  }

  async #sweep(): Promise<void> {
    const { driver, settings, swept, failed } = this.#parts;
    try {
      swept(await driver.sweep(settings));
    } catch (error) {
      failed(error);
    }
    if (!this.#stopped) this.start();
  }
}
