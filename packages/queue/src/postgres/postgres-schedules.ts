/** The last tick of each schedule, and the job of a tick in the same statement. */

import type { Schedules } from "../driver-powers.ts";
import { ADD_COUNT, ADD_PARAMETERS, addValues } from "./job-rows.ts";
import type { Power } from "./power.ts";

export function postgresSchedules({ schema, run, tell }: Power): Schedules {
  return {
    async fire({ name }, schedule, tickMs, job) {
      // A backlog that is full does not keep the job of a tick out: it is one at most.
      const values = addValues(name, [job], { maxBacklog: undefined, lock: false });
      const [row = {}] = await run(
        name,
        `SELECT t.outcome, t.inms, CASE WHEN t.outcome = 'fired'
           THEN (SELECT count(*) FROM ${schema}.add_jobs(${ADD_PARAMETERS})) END AS refused
           FROM ${schema}.take_tick($1, $${ADD_COUNT + 1}, $${ADD_COUNT + 2}::float8) AS t`,
        [...values, schedule, tickMs],
      );
      const { outcome } = row;
      if (outcome === "early") return { outcome, inMs: Number(row["inms"]) };
      if (outcome === "fired") tell("ready", name);
      return { outcome: outcome === "fired" ? "fired" : "already" };
    },

    async begin({ name }, schedule) {
      const text = `SELECT last, now FROM ${schema}.begin_schedule($1, $2)`;
      const [row = {}] = await run(name, text, [name, schedule]);
      return { lastTickMs: Number(row["last"]), nowMs: Number(row["now"]) };
    },

    async forget({ name }, schedule) {
      const text = `DELETE FROM ${schema}.schedules
        WHERE queue_id = ${schema}.queue_id($1) AND name = $2`;
      await run(name, text, [name, schedule]);
    },
  };
}
