/** Looking at jobs, and taking them out of their way. */

import type { Lease, QueueSettings } from "../driver.ts";
import type { JobPage, JobRecord, JobState } from "../driver-powers.ts";
import { isEnd } from "./job-states.ts";
import { jobRecord, type MemoryJob } from "./memory-job.ts";
import type { MemoryQueue } from "./memory-queue.ts";

export function findJob(
  queue: MemoryQueue,
  settings: QueueSettings,
  id: string,
): JobRecord | undefined {
  queue.promote(settings);
  const job = queue.states.find(id);
  return job && jobRecord(job);
}

/** The cursor is how many have been listed. */
export function listJobs(
  queue: MemoryQueue,
  settings: QueueSettings,
  state: JobState,
  { limit, cursor }: { readonly limit: number; readonly cursor?: string | undefined },
): JobPage {
  queue.promote(settings);
  const jobs = queue.states.list(state);
  const from = Number(cursor ?? 0);
  const to = from + limit;
  return {
    jobs: jobs.slice(from, to).map(jobRecord),
    cursor: to < jobs.length ? String(to) : undefined,
  };
}

export function redriveJobs(
  queue: MemoryQueue,
  settings: QueueSettings,
  which: { readonly ids: readonly string[] } | { readonly limit: number },
): number {
  const dead =
    "ids" in which
      ? [...new Set(which.ids)].map((id) => queue.states.find(id)).filter(isDead)
      : queue.states.list("dead").slice(0, which.limit);
  for (const job of dead) queue.redrive(settings, job);
  queue.tellReady(settings);
  return dead.length;
}

/** `active` is no state to be purged: a lease is not taken from its holder unheard. */
export function purgeJobs(
  queue: MemoryQueue,
  settings: QueueSettings,
  states: readonly JobState[],
): number {
  const jobs = [...new Set(states)]
    .filter((state) => state !== "active")
    .flatMap((state) => queue.states.list(state));
  for (const job of jobs) queue.purge(settings, job);
  return jobs.length;
}

/** False: the lease is lost. */
export function reportProgress(queue: MemoryQueue, lease: Lease, progress: string): boolean {
  const job = queue.leased(lease);
  if (job === undefined || isEnd(job.state)) return false;
  job.progress = progress;
  queue.subscribers.tell({ kind: "progress", id: lease.id });
  return true;
}

function isDead(job: MemoryJob | undefined): job is MemoryJob {
  return job?.state === "dead";
}
