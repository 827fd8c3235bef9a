/**
 * What every driver must do: the sentences of `driver.ts` as cases, for drivers of ours and of others.
 *
 *     describeQueueDriver("mine", () => ({ connect: () => myDriver(client) }), { describe, test });
 *
 * works with the functions of vitest, jest and `node:test`. Each case works with queues of its own,
 * so several may use one server. A case about a capability that the driver does not claim passes; and
 * where it is not claimed, a case asserts that it is refused.
 *
 * Time is waited for in short durations, unless the tester can `advance` it; all of them grow with
 * `scale`. Whatever is to happen has some seconds: only what must *not* happen goes by the clock.
 */

import { adminCases, statsCases } from "./conformance/admin-cases.ts";
import { basicCases } from "./conformance/basic-cases.ts";
import type { QueueDriverCase, QueueDriverSetup } from "./conformance/conformance-bench.ts";
import { dedupCases, delayCases } from "./conformance/delay-cases.ts";
import { eventCases } from "./conformance/event-cases.ts";
import { flowCases } from "./conformance/flow-cases.ts";
import { deadCases, resultCases } from "./conformance/kept-cases.ts";
import { keyCases } from "./conformance/key-cases.ts";
import { leaseCases } from "./conformance/lease-cases.ts";
import { backlogCases, limitCases } from "./conformance/limit-cases.ts";
import { loadCases } from "./conformance/load-cases.ts";
import { refusalCases } from "./conformance/refusal-cases.ts";
import { scheduleCases } from "./conformance/schedule-cases.ts";
import { transactionCases } from "./conformance/transaction-cases.ts";

export type { QueueDriverCase, QueueDriverSetup } from "./conformance/conformance-bench.ts";

/** What of a test framework is needed. */
export interface TestFramework {
  describe(name: string, cases: () => void): unknown;
  test(name: string, run: () => Promise<void>): unknown;
}

/** All cases. One rejects with an `AssertionError` of `node:assert` when the driver is wrong. */
export function queueDriverCases(): readonly QueueDriverCase[] {
  return [
    ...basicCases,
    ...leaseCases,
    ...delayCases,
    ...dedupCases,
    ...keyCases,
    ...limitCases,
    ...backlogCases,
    ...resultCases,
    ...deadCases,
    ...adminCases,
    ...statsCases,
    ...eventCases,
    ...scheduleCases,
    ...flowCases,
    ...transactionCases,
    ...loadCases,
    ...refusalCases,
  ];
}

/** @param setup called when a case begins. */
export function describeQueueDriver(
  name: string,
  setup: () => QueueDriverSetup,
  { describe, test }: TestFramework,
): void {
  describe(`queue driver: ${name}`, () => {
    for (const each of queueDriverCases()) test(each.name, () => each.run(setup()));
  });
}
