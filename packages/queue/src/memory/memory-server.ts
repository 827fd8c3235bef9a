/** What a server would hold: queues by name, schedules, what was reported to parents; and its clock. */

import { type Clock, systemClock } from "@headroom/core/clock";
import { requireClock, requireFunction, requireKnownOptions } from "@headroom/core/options";
import { type Random, systemRandom } from "@headroom/core/random";
import { MemoryFlows } from "./memory-flows.ts";
import { MemoryQueue, type QueueServer } from "./memory-queue.ts";
import { MemorySchedules } from "./memory-schedules.ts";

export interface MemoryServerOptions {
  /** @default the system's */
  readonly clock?: Clock | undefined;
  /** @default the system's */
  readonly random?: Random | undefined;
}

interface QueueInMemory {
  readonly queue: MemoryQueue;
  readonly schedules: MemorySchedules;
  readonly flows: MemoryFlows;
}

export class MemoryServer implements QueueServer {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #queues = new Map<string, QueueInMemory>();
  #given = 0;

  constructor(options: MemoryServerOptions) {
    requireKnownOptions("MemoryServer", options, ["clock", "random"]);
    this.#clock = requireClock("clock", options.clock ?? systemClock);
    this.#random = requireFunction("random", options.random ?? systemRandom);
  }

  now(): number {
    return this.#clock.now();
  }

  monotonicNow(): number {
    return this.#clock.monotonicNow();
  }

  unique(): string {
    const chance = Math.floor(this.#random() * 2 ** 40).toString(36);
    return `${chance}${(this.#given++).toString(36)}`;
  }

  queue(name: string): QueueInMemory {
    let found = this.#queues.get(name);
    if (found === undefined) {
      const queue = new MemoryQueue(this);
      found = {
        queue,
        schedules: new MemorySchedules(queue, () => this.now()),
        flows: new MemoryFlows(queue),
      };
      this.#queues.set(name, found);
    }
    return found;
  }
}
