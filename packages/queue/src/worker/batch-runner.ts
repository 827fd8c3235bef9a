/**
 * Runs a batch handler: one call for many jobs, a verdict for each.
 *
 * Jobs whose data do not fit are ended first, and are not in the batch. Middleware surrounds each job
 * as it does elsewhere: its `next` waits until the layers of all the others have come that far or
 * given up, and gives this job's own result.
 */

import { queueProcess } from "@headroom/core/channels";
import type { BatchHandler, BatchJob, JobContext } from "../job.ts";
import type { DefinitionRules } from "../queue-options.ts";
import type { Attempt } from "./attempt.ts";
import type { BatchGroup } from "./batch-group.ts";
import type { JobRunner } from "./job-runner.ts";
import { batchJobView, type ViewParts } from "./job-view.ts";
import { withMiddleware } from "./middleware.ts";

interface Member {
  readonly attempt: Attempt;
  readonly job: BatchJob;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export async function runBatch(
  runner: JobRunner,
  rules: DefinitionRules,
  handler: BatchHandler,
  group: BatchGroup,
  parts: ViewParts,
): Promise<void> {
  const members: Member[] = [];
  let awaited = group.attempts.length;
  const arrived = (): void => {
    awaited -= 1;
    if (awaited === 0 && members.length > 0) void handleAll(handler, members, group, parts);
  };
  const one = async (attempt: Attempt): Promise<unknown> => {
    let here = false;
    const arrive = (): void => {
      if (!here) arrived();
      here = true;
    };
    try {
      const data = await runner.data(rules, attempt);
      const context: JobContext = runner.context(rules, attempt);
      const job = batchJobView(attempt.job, data, context);
      const inBatch = (): Promise<unknown> =>
        new Promise((resolve, reject) => {
          members.push({ attempt, job, resolve, reject });
          arrive();
        });
      return await withMiddleware(runner.middleware, job, context, inBatch);
    } finally {
      arrive();
    }
  };
  await Promise.all(
    group.attempts.map((attempt) =>
      one(attempt).then(
        (result) => runner.done(rules, attempt, result),
        (error: unknown) => runner.failed(rules, attempt, error),
      ),
    ),
  );
}

async function handleAll(
  handler: BatchHandler,
  members: readonly Member[],
  group: BatchGroup,
  { driver, settings }: ViewParts,
): Promise<void> {
  const jobs = members.map(({ job }) => job);
  const context = {
    get signal(): AbortSignal {
      return group.signal;
    },
  };
  try {
    const results = await queueProcess.trace(
      () => ({
        queue: settings.name,
        name: jobs[0]?.name ?? "",
        system: driver.name,
        attempt: Math.max(...jobs.map(({ attempt }) => attempt)),
        waitedMs: Math.max(...jobs.map(({ waitedMs }) => waitedMs)),
        jobs: jobs.length,
      }),
      async () => handler.handle(jobs, context),
    );
    requireVerdicts(results, jobs.length);
    members.forEach(({ resolve, reject }, at) => {
      const result = results?.[at];
      if (result instanceof Error) reject(result);
      else resolve(result);
    });
  } catch (error) {
    for (const { reject } of members) reject(error);
  }
}

/** Something else returned by mistake must not pass for "all are done". */
function requireVerdicts(results: unknown, jobs: number): void {
  if (results === undefined || (Array.isArray(results) && results.length === jobs)) return;
  throw new TypeError(
    `a batch handler must return nothing, or one result for each of its ${jobs} jobs`,
  );
}
