/** How a queue is. */

import type { QueueStats } from "../driver.ts";
import { SHOWN_STATE, textOf } from "./job-rows.ts";
import type { Row } from "./statements.ts";

/** Of the queue `$1`. O(n) in its jobs that live. */
export function statsText(schema: string): string {
  return `
    WITH queue AS (
      SELECT * FROM ${schema}.queues WHERE name = $1
    ), living AS (
      SELECT ${SHOWN_STATE} AS state, due_at FROM ${schema}.jobs
       WHERE queue_id = (SELECT id FROM queue)
    ), counted AS (
      SELECT count(*) FILTER (WHERE state = 'ready') AS ready,
             count(*) FILTER (WHERE state = 'delayed') AS delayed,
             count(*) FILTER (WHERE state = 'active') AS active,
             count(*) FILTER (WHERE state = 'held') AS held,
             extract(epoch FROM clock_timestamp() - min(due_at) FILTER (WHERE state = 'ready'))::float8
               * 1000 AS oldest
        FROM living
    ), tallied AS (
      SELECT sum(added) AS added, sum(ended) AS ended FROM ${schema}.tally
       WHERE queue_id = (SELECT id FROM queue)
    )
    SELECT counted.*, queue.paused,
           (SELECT count(*) FROM ${schema}.ended
             WHERE queue_id = (SELECT id FROM queue) AND state = 'dead') AS dead,
           coalesce(queue.added, 0) + coalesce(tallied.added, 0) AS added,
           coalesce(queue.ended, 0) + coalesce(tallied.ended, 0) AS ended
      FROM counted CROSS JOIN tallied LEFT JOIN queue ON true`;
}

export function readStats(row: Row): QueueStats {
  const count = (field: string): number => Number(row[field] ?? 0);
  const oldest = textOf(row["oldest"]);
  return {
    ready: count("ready"),
    delayed: count("delayed"),
    active: count("active"),
    held: count("held"),
    dead: count("dead"),
    paused: row["paused"] === true,
    oldestReadyMs: oldest === undefined ? undefined : Math.max(0, Number(oldest)),
    totals: { added: count("added"), ended: count("ended") },
  };
}
