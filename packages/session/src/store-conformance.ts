/**
 * What every store must do: the sentences of `store.ts` as cases, for stores of ours and of others.
 *
 *     describeSessionStore("mine", () => ({ store: myStore() }), { describe, test });
 *
 * works with the functions of vitest, jest and `node:test`. Each case works with sessions of its own,
 * so several may use one server; a case about a power that the store does not have passes.
 */

import type { SessionStoreCase, SessionStoreSetup } from "./conformance/conformance-bench.ts";
import { endCases } from "./conformance/end-cases.ts";
import { fieldCases } from "./conformance/field-cases.ts";
import { powerCases } from "./conformance/power-cases.ts";

export type { SessionStoreCase, SessionStoreSetup } from "./conformance/conformance-bench.ts";

/** What of a test framework is needed. */
export interface TestFramework {
  describe(name: string, cases: () => void): unknown;
  test(name: string, run: () => Promise<void>): unknown;
}

/** All cases. One rejects with an `AssertionError` of `node:assert` when the store is wrong. */
export function sessionStoreCases(): readonly SessionStoreCase[] {
  return [...fieldCases, ...endCases, ...powerCases];
}

/** @param setup called when a case begins; a store that is made asynchronously may be made in a hook. */
export function describeSessionStore(
  name: string,
  setup: () => SessionStoreSetup,
  { describe, test }: TestFramework,
): void {
  describe(`session store: ${name}`, () => {
    for (const each of sessionStoreCases()) test(each.name, () => each.run(setup()));
  });
}
