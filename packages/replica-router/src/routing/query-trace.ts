/** Tells of a query on its channel: that it began, where it ran, how it ended. */

import { type ReplicaQuery, replicaQuery } from "@headroom/core/channels";
import type { PgResult } from "../pg-module.ts";
import type { Job } from "./job.ts";

/** @param pool its name. */
export function traceQuery(
  pool: string,
  job: Pick<Job, "host">,
  run: () => Promise<PgResult>,
): Promise<PgResult> {
  return replicaQuery.trace(
    () => ({ pool }),
    (context: ReplicaQuery | undefined) => {
      if (context === undefined) return run();
      return run().finally(() => {
        if (job.host === undefined) return;
        const { name: node, role } = job.host;
        Object.assign(context, { node, role });
      });
    },
  );
}
