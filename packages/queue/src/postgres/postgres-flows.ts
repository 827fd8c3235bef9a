/** Parents that wait, and what they are told of their children. */

import { postgresArray } from "@headroom/core/postgres-client";
import type { DeadReason, QueueSettings } from "../driver.ts";
import type { ChildOutcome, Flows } from "../driver-powers.ts";
import { ADD_COUNT, ADD_PARAMETERS, addValues, textOf } from "./job-rows.ts";
import type { Power } from "./power.ts";
import type { Row } from "./statements.ts";

export function postgresFlows({ schema, run, tell }: Power): Flows {
  const keepDead = ({ retention: { dead } }: QueueSettings): boolean =>
    dead.count > 0 && dead.ms > 0;
  const parameter = (number: number): string => `$${ADD_COUNT + number}`;
  return {
    async hold(settings, parent, children, { childDead }) {
      const { name, maxBacklog } = settings;
      const [row = {}] = await run(
        name,
        `SELECT a.outcome, a.id, CASE WHEN a.outcome IS NULL THEN ${schema}.hold($1, ${parameter(1)},
             ${parameter(2)}::text[], ${parameter(3)}::text[], ${parameter(4)}) END AS free
           FROM (SELECT 1) AS one LEFT JOIN ${schema}.add_jobs(${ADD_PARAMETERS}) AS a ON true`,
        [
          ...addValues(name, [parent], { maxBacklog, lock: true, childDead }),
          parent.id,
          postgresArray(children.map(({ queue }) => queue)),
          postgresArray(children.map(({ id }) => id)),
          keepDead(settings),
        ],
      );
      const { outcome } = row;
      if (outcome === "full") return { outcome };
      if (outcome === "duplicate") return { outcome, id: String(row["id"]) };
      if (row["free"] === true) tell("ready", name);
      return { outcome: "added", id: parent.id };
    },

    async report(settings, parentId, child, outcome) {
      const { name } = settings;
      const [row] = await run(
        name,
        `SELECT ${schema}.report($1, $2, $3, $4, $5, $6, $7, $8) AS free`,
        [
          ...[name, parentId, child.queue, child.id, outcome.kind],
          outcome.kind === "done" ? (outcome.result ?? null) : null,
          outcome.kind === "dead" ? outcome.reason : null,
          keepDead(settings),
        ],
      );
      if (row?.["free"] === true) tell("ready", name);
      // With a child that is dead the parent may be so, too.
      else if (outcome.kind === "dead") tell("ended", name, [parentId]);
    },

    async children({ name }, parentId) {
      const rows = await run(
        name,
        `SELECT child_queue AS queue, child_id AS id, kind, result, reason FROM ${schema}.children
          WHERE queue_id = ${schema}.queue_id($1) AND parent_id = $2 AND position IS NOT NULL
          ORDER BY position`,
        [name, parentId],
      );
      return rows.map((row) => ({
        queue: String(row["queue"]),
        id: String(row["id"]),
        outcome: outcomeOf(row),
      }));
    },
  };
}

function outcomeOf(row: Row): ChildOutcome | undefined {
  const kind = textOf(row["kind"]);
  if (kind === undefined) return undefined;
  if (kind === "dead") return { kind, reason: String(row["reason"]) as DeadReason };
  return { kind: "done", result: textOf(row["result"]) };
}
