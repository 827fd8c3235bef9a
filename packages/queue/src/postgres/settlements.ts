/** How `settle` is called: what is done goes in lists, the others as JSON. */

import { postgresArray } from "@headroom/core/postgres-client";
import type { QueueSettings, Settlement, SettleOutcome, Verdict } from "../driver.ts";
import { leaseOf } from "./job-rows.ts";

/** As many as {@link settleValues} gives. */
export const SETTLE_PARAMETERS: string =
  "$1::text, $2::text[], $3::text[], $4::text[], $5::jsonb, $6::boolean, $7::boolean, $8::boolean";

/** Verdicts that end a job. */
export const ENDS: ReadonlySet<Verdict["kind"]> = new Set(["done", "dead"] as const);

/** @param lost what the row of `settle` says. */
export function settleOutcomes(
  settlements: readonly Settlement[],
  lost: readonly string[],
): readonly SettleOutcome[] {
  const gone = new Set(lost);
  return settlements.map((settlement) => {
    const name = leaseName(settlement);
    if (gone.has(name)) return "lost";
    gone.add(name);
    return "settled";
  });
}

/** As `settle` names a lease that was lost. */
function leaseName({ job }: Settlement): string {
  return `${leaseOf(job.token)}:${job.id}`;
}

/** @param strict a lease that is lost is an error. */
export function settleValues(
  { name, retention: { done, dead } }: QueueSettings,
  settlements: readonly Settlement[],
  strict: boolean,
): unknown[] {
  const ids: string[] = [];
  const leases: string[] = [];
  const results: (string | undefined)[] = [];
  const others: object[] = [];
  const seen = new Set<string>();
  for (const settlement of settlements) {
    const { job, verdict } = settlement;
    // What is settled twice in one call is so once.
    if (seen.has(leaseName(settlement))) continue;
    seen.add(leaseName(settlement));
    const lease = leaseOf(job.token);
    if (verdict.kind === "done") {
      ids.push(job.id);
      leases.push(lease);
      results.push(verdict.result);
    } else others.push({ id: job.id, lease, ...verdict });
  }
  const keepDone = done !== undefined && done.count > 0 && done.ms > 0;
  return [
    name,
    ids.length === 0 ? null : postgresArray(ids),
    ids.length === 0 ? null : postgresArray(leases),
    keepDone ? postgresArray(results) : null,
    JSON.stringify(others),
    keepDone,
    dead.count > 0 && dead.ms > 0,
    strict,
  ];
}
