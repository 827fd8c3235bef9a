/** The application's own layers around a handler: the first is the outermost. */

import type { Job, JobContext, JobMiddleware } from "../job.ts";

/** A layer that throws at once is a rejection, as it is of an async one. */
export function withMiddleware(
  layers: readonly JobMiddleware[],
  job: Job,
  context: JobContext,
  innermost: () => Promise<unknown>,
): Promise<unknown> {
  const from = async (at: number): Promise<unknown> => {
    const layer = layers[at];
    return layer === undefined ? innermost() : layer(job, context, () => from(at + 1));
  };
  return from(0);
}
