/**
 * What every store must do: the sentences of `store.ts` and `bus.ts`, as cases that any test
 * framework can run, on a real server, at once or one by one:
 *
 *     for (const { name, run } of storeConformance()) test(name, () => run(setup));
 *
 * Each case works under names of its own, so several may use one server at the same time, except
 * those that are marked `isolated`: they empty the server.
 */

import { busCases } from "./conformance/bus-cases.ts";
import type { ConformanceCase } from "./conformance/conformance-bench.ts";
import { leaseCases } from "./conformance/lease-cases.ts";
import { tagCases } from "./conformance/tag-cases.ts";
import { valueCases } from "./conformance/value-cases.ts";

export type { ConformanceCase, ConformanceSetup } from "./conformance/conformance-bench.ts";

/** All cases. A case rejects with an `AssertionError` of `node:assert` when the store is wrong. */
export function storeConformance(): readonly ConformanceCase[] {
  return [...valueCases, ...leaseCases, ...tagCases, ...busCases];
}
