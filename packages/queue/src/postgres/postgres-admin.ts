/** Looking at jobs, and taking them out of their way. */

import { postgresArray } from "@headroom/core/postgres-client";
import type { JobAdmin, JobState } from "../driver-powers.ts";
import { ENDED_RECORD, jobRecord, LIVING_RECORD, leaseOf, SHOWN_STATE } from "./job-rows.ts";
import type { Power } from "./power.ts";

const LIVING: readonly JobState[] = ["held", "delayed", "ready", "active"];

/** In one statement: what it locks others wait for. */
const PURGED_AT_ONCE = 5_000;

export function postgresAdmin({ schema, run, tell }: Power): JobAdmin {
  const queueId = `(SELECT q.id FROM ${schema}.queues q WHERE q.name = $1)`;
  const setPaused = (queue: string, paused: boolean): Promise<unknown> =>
    run(
      queue,
      `INSERT INTO ${schema}.queues (name, paused) VALUES ($1, $2)
       ON CONFLICT (name) DO UPDATE SET paused = excluded.paused`,
      [queue, paused],
    );
  return {
    async find({ name }, id) {
      const [row] = await run(
        name,
        `SELECT ${LIVING_RECORD} FROM ${schema}.jobs WHERE queue_id = ${queueId} AND id = $2
         UNION ALL
         SELECT ${ENDED_RECORD} FROM ${schema}.ended WHERE queue_id = ${queueId} AND id = $2`,
        [name, id],
      );
      return row && jobRecord(row);
    },

    async list({ name }, state, { limit, cursor }) {
      const isLiving = LIVING.includes(state);
      const rows = await run(
        name,
        isLiving
          ? `SELECT ${LIVING_RECORD} FROM ${schema}.jobs
              WHERE queue_id = ${queueId} AND (${SHOWN_STATE}) = $2 AND number > $3::bigint
              ORDER BY number LIMIT $4`
          : `SELECT ${ENDED_RECORD} FROM ${schema}.ended
              WHERE queue_id = ${queueId} AND state = $2 AND ended_number > $3::bigint
              ORDER BY ended_number LIMIT $4`,
        [name, state, cursor ?? "0", limit + 1],
      );
      const shown = rows.slice(0, limit);
      const last = shown.at(-1)?.["position"];
      return {
        jobs: shown.map(jobRecord),
        cursor: rows.length > limit && last !== undefined ? String(last) : undefined,
      };
    },

    async cancel({ name, retention: { done } }, id) {
      const isKept = done !== undefined && done.count > 0 && done.ms > 0;
      const text = `SELECT ${schema}.cancel($1, $2, $3) AS cancelled`;
      const [row] = await run(name, text, [name, id, isKept]);
      if (row?.["cancelled"] !== true) return false;
      tell("ended", name, [id]);
      tell("cancelled", name, [id]);
      tell("ready", name);
      return true;
    },

    async pause({ name }) {
      await setPaused(name, true);
    },

    async resume({ name }) {
      await setPaused(name, false);
      tell("ready", name);
    },

    async redrive({ name }, which) {
      const [row] = await run(
        name,
        `SELECT ${schema}.redrive($1, $2::text[], $3::int) AS redriven`,
        "ids" in which ? [name, postgresArray(which.ids), null] : [name, null, which.limit],
      );
      const redriven = Number(row?.["redriven"] ?? 0);
      if (redriven > 0) tell("ready", name);
      return redriven;
    },

    async purge({ name }, states) {
      const text = `SELECT ${schema}.purge($1, $2::text[], $3::int) AS purged`;
      const values = [name, postgresArray(states), PURGED_AT_ONCE];
      let all = 0;
      for (;;) {
        const [row] = await run(name, text, values);
        const purged = Number(row?.["purged"] ?? 0);
        all += purged;
        if (purged === 0) break;
      }
      // The next of a key may start.
      if (all > 0) tell("ready", name);
      return all;
    },

    async progress({ name }, { id, token }, progress) {
      const rows = await run(
        name,
        `UPDATE ${schema}.jobs SET progress = $4
          WHERE queue_id = ${queueId} AND id = $2 AND lease = $3 RETURNING 1`,
        [name, id, leaseOf(token), progress],
      );
      if (rows.length === 0) return false;
      tell("progress", name, [id]);
      return true;
    },
  };
}
