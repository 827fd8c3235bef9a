/** Jobs that have ended and are kept: in the order in which they ended, as long and as many as the queue says. */

import type { Keep } from "../driver.ts";
import type { MemoryJob } from "./memory-job.ts";
import { PriorityHeap } from "./priority-heap.ts";

interface Ended {
  readonly job: MemoryJob;
  readonly endedMs: number;
  readonly order: number;
}

export class EndedJobs {
  readonly #heap: PriorityHeap<Ended>;
  readonly #kept = new Map<MemoryJob, Ended>();
  #order = 0;

  constructor() {
    this.#heap = new PriorityHeap<Ended>(
      (one, other) => one.order < other.order,
      (ended) => this.#kept.get(ended.job) === ended,
    );
  }

  get size(): number {
    return this.#kept.size;
  }

  add(job: MemoryJob, endedMs: number): void {
    const ended = { job, endedMs, order: this.#order++ };
    this.#kept.set(job, ended);
    this.#heap.push(ended);
  }

  delete(job: MemoryJob): void {
    this.#kept.delete(job);
  }

  /** Oldest first. */
  jobs(): MemoryJob[] {
    return [...this.#kept.keys()];
  }

  /** Takes out those that are too old, or too many; the oldest go first. */
  takeExcess(keep: Keep, nowMs: number): MemoryJob[] {
    const excess: MemoryJob[] = [];
    for (;;) {
      const oldest = this.#heap.peek();
      if (oldest === undefined) return excess;
      if (this.#kept.size <= keep.count && oldest.endedMs + keep.ms > nowMs) return excess;
      this.#kept.delete(oldest.job);
      excess.push(oldest.job);
    }
  }
}
