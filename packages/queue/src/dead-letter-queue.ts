/**
 * Dead letters for drivers that keep none: a job that is given up is added to a queue of its own
 * first, then completed. If the worker dies between the two, it is there twice; it is never lost.
 */

import type { NewJob, QueueDriver, QueueSettings, Settlement } from "./driver.ts";

const ATTEMPTS = 1;

/**
 * What to do before settlements are told to a driver: see `Exchange`.
 * @returns a promise only if there are dead jobs among them.
 */
export function moveDeadLetters(
  driver: QueueDriver,
  settings: QueueSettings,
): (settlements: readonly Settlement[]) => Promise<void> | undefined {
  const dead: QueueSettings = { ...settings, name: `${settings.name}.dead`, maxBacklog: undefined };
  return (settlements) => {
    const jobs = settlements.flatMap((settlement) => deadJob(settlement) ?? []);
    if (jobs.length === 0) return undefined;
    return driver.enqueue(dead, jobs).then(() => undefined);
  };
}

function deadJob({ job, verdict }: Settlement): NewJob | undefined {
  if (verdict.kind !== "dead") return undefined;
  return {
    id: job.id,
    mayExist: true,
    name: job.name,
    body: job.body,
    headers: {
      ...job.headers,
      "headroom-dead-reason": verdict.reason,
      "headroom-dead-error": verdict.failure?.name ?? "",
    },
    delayMs: 0,
    priority: 0,
    maxAttempts: ATTEMPTS,
    key: undefined,
    dedup: undefined,
    parent: job.parent,
  };
}
