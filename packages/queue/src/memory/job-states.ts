/** All jobs of a queue, how many there are of each state, and which are kept after their end. */

import type { Retention } from "../driver.ts";
import type { JobState } from "../driver-powers.ts";
import { EndedJobs } from "./ended-jobs.ts";
import type { MemoryJob } from "./memory-job.ts";

export type EndState = "done" | "dead" | "cancelled";

export class JobStates {
  readonly #jobs = new Map<string, MemoryJob>();
  readonly #counts = new Map<JobState, number>();
  readonly #kept: Readonly<Record<EndState, EndedJobs>> = {
    done: new EndedJobs(),
    dead: new EndedJobs(),
    cancelled: new EndedJobs(),
  };

  find(id: string): MemoryJob | undefined {
    return this.#jobs.get(id);
  }

  count(state: JobState): number {
    return this.#counts.get(state) ?? 0;
  }

  /** As they wait: ready, delayed and held. */
  get backlog(): number {
    return this.count("ready") + this.count("delayed") + this.count("held");
  }

  add(job: MemoryJob): void {
    this.#jobs.set(job.added.id, job);
    this.#counted(job.state, 1);
  }

  /** A job changes its state; one that has ended is kept, until `delete` or `dropExcess`. */
  move(job: MemoryJob, state: JobState): void {
    if (job.state === state) return;
    this.#counted(job.state, -1);
    if (isEnd(job.state)) this.#kept[job.state].delete(job);
    job.state = state;
    this.#counted(state, 1);
    if (isEnd(state)) this.#kept[state].add(job, job.endedMs ?? 0);
  }

  delete(job: MemoryJob): void {
    if (this.#jobs.get(job.added.id) !== job) return;
    this.#jobs.delete(job.added.id);
    this.#counted(job.state, -1);
    if (isEnd(job.state)) this.#kept[job.state].delete(job);
  }

  /** What was cancelled is kept as what is done. */
  dropExcess({ done, dead }: Retention, nowMs: number): void {
    const keep = { done, dead, cancelled: done };
    for (const state of ["done", "dead", "cancelled"] as const) {
      const { ms, count } = keep[state] ?? { ms: 0, count: 0 };
      for (const job of this.#kept[state].takeExcess({ ms, count }, nowMs)) this.delete(job);
    }
  }

  /** Those of one state: by the order of adding, or of their end. O(n) in all jobs. */
  list(state: JobState): MemoryJob[] {
    if (isEnd(state)) return this.#kept[state].jobs();
    return [...this.#jobs.values()].filter((job) => job.state === state);
  }

  all(): MemoryJob[] {
    return [...this.#jobs.values()];
  }

  #counted(state: JobState, by: number): void {
    this.#counts.set(state, this.count(state) + by);
  }
}

export function isEnd(state: JobState): state is EndState {
  return state === "done" || state === "dead" || state === "cancelled";
}
