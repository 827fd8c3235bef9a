import { expect, test } from "vitest";
import type { ClaimedJob, QueueSettings, Settlement, Verdict } from "../driver.ts";
import { SETTLE_PARAMETERS, settleOutcomes, settleValues } from "./settlements.ts";

function settings(done: QueueSettings["retention"]["done"]): QueueSettings {
  const limits = {
    concurrency: undefined,
    rate: undefined,
    perKeyConcurrency: 1,
    perKeyRate: undefined,
  };
  return {
    name: "photos",
    maxBacklog: undefined,
    limits,
    retention: { done, dead: { ms: 1, count: 0 } },
  };
}

function settlement(id: string, verdict: Verdict, lease = "x"): Settlement {
  const job = { id, token: `${id}:1:${lease}` };
  return { job: job as ClaimedJob, verdict };
}

const DONE: Verdict = { kind: "done", result: "1" };
const RELEASE: Verdict = { kind: "release", delayMs: 5 };

test("what is done goes in lists, the others as JSON", () => {
  const settlements = [settlement("a", DONE), settlement("b", RELEASE), settlement("c", DONE, "y")];
  const values = settleValues(settings({ ms: 1, count: 1 }), settlements, false);
  expect(values).toEqual([
    ...["photos", '{"a","c"}', '{"x","y"}', "{1,1}", '{"1","1"}'],
    '[{"id":"b","lease":"x","kind":"release","delayMs":5}]',
    ...[true, false, false],
  ]);
  expect(SETTLE_PARAMETERS.split(", ")).toHaveLength(values.length);
  expect(settleValues(settings(undefined), [settlement("b", RELEASE)], true).slice(1, 5)).toEqual([
    "{}",
    "{}",
    "{}",
    null,
  ]);
});

test("what is settled twice in one call is sent once, and lost the second time", () => {
  const settlements = [
    settlement("a", DONE),
    settlement("a", RELEASE),
    settlement("a", DONE, "old"),
  ];
  const values = settleValues(settings(undefined), settlements, false);
  expect(values.slice(1, 6)).toEqual(['{"a","a"}', '{"x","old"}', "{1,1}", null, "[]"]);
  expect(settleOutcomes(settlements, ["old:a"])).toEqual(["settled", "lost", "lost"]);
});
