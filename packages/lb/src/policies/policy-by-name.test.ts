import { seededRandom } from "@headroom/core/random";
import { expect, test } from "vitest";
import { POLICY_NAMES, type PolicyName, policyByName } from "./policy-by-name.ts";

test.each(POLICY_NAMES)("%s is a policy of that name", (name) => {
  expect(policyByName(name).name).toBe(name);
  expect(policyByName(name, seededRandom(1)).name).toBe(name);
});

test("each is a new one, because policies have state", () => {
  for (const name of POLICY_NAMES) expect(policyByName(name)).not.toBe(policyByName(name));
});

test.each(["p2c_ewma", "", "__proto__", "constructor", undefined, 4])(
  "%o is none, and the error lists those there are",
  (name) => {
    const find = (): unknown => policyByName(name as PolicyName);
    expect(find).toThrow(RangeError);
    expect(find).toThrow(/^policy must be one of "round-robin", .*"p2c-ewma".*, got /);
  },
);
