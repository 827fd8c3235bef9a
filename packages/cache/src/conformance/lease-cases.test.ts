// That a right store passes, store-conformance.test.ts shows. Here: that a wrong one does not.
import { expect, test } from "vitest";
import { firstFailure, type Mistake } from "../../test/mistaken-store.ts";
import { leaseCases } from "./lease-cases.ts";

const mistakes: Record<string, Mistake> = {
  "stores what was loaded before an invalidation": (right) => ({
    fill: async (fills) => {
      await right.write(fills.map((fill) => ({ ...fill, partition: 0 })));
      return fills.map(() => true);
    },
  }),
  "gives a lease to everybody": () => ({
    lease: async (requests) => requests.map(() => ({ kind: "granted", partition: 0 })),
  }),
  "forgets to hold": (right) => ({
    invalidate: (keys) => right.invalidate(keys, { holdForMs: 0 }),
  }),
  "ignores the end of a lease": (right) => ({
    lease: (requests) => right.lease(requests.map((each) => ({ ...each, leaseMs: 1e9 }))),
  }),
  "lets anybody renew": () => ({ renew: async () => true }),
  "does not renew": () => ({ renew: async () => false }),
  "does not release": () => ({ release: async () => {} }),
  "gives no lease for a refresh": (right) => ({
    lease: (requests) => right.lease(requests.map((each) => ({ ...each, refresh: false }))),
  }),
};

test.each(Object.entries(mistakes))("a store that %s is found", async (_, mistake) => {
  await expect(firstFailure(leaseCases, mistake)).resolves.toBeTypeOf("string");
});
