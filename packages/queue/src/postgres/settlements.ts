/** How `settle` is called: what is done goes in lists, the others as JSON. */

import { postgresArray } from "@headroom/core/postgres-client";
import type { QueueSettings, Settlement, SettleOutcome, Verdict } from "../driver.ts";
import { leaseOf } from "./job-rows.ts";

/** As many as {@link settleValues} gives. */
export const SETTLE_PARAMETERS: string =
  "$1::text, $2::text[], $3::text[], $4::int[], $5::text[], $6::jsonb, $7::boolean, $8::boolean, $9::boolean";

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
  const byLease = new Map<string, { ids: string[]; results: (string | undefined)[] }>();
  const others: object[] = [];
  const seen = new Set<string>();
  for (const settlement of settlements) {
    const { job, verdict } = settlement;
    // What is settled twice in one call is so once.
    if (seen.has(leaseName(settlement))) continue;
    seen.add(leaseName(settlement));
    const lease = leaseOf(job.token);
    if (verdict.kind !== "done") {
      others.push({ id: job.id, lease, ...verdict });
      continue;
    }
    const group = byLease.get(lease) ?? { ids: [], results: [] };
    byLease.set(lease, group);
    group.ids.push(job.id);
    group.results.push(verdict.result);
  }
  const groups = [...byLease.values()];
  const keepDone = done !== undefined && done.count > 0 && done.ms > 0;
  return [
    name,
    postgresArray(groups.flatMap(({ ids }) => ids)),
    postgresArray([...byLease.keys()]),
    postgresArray(groups.map(({ ids }) => ids.length)),
    keepDone ? postgresArray(groups.flatMap(({ results }) => results)) : null,
    JSON.stringify(others),
    keepDone,
    dead.count > 0 && dead.ms > 0,
    strict,
  ];
}
