import { expect, test } from "vitest";
import type { ClaimedJob, QueueSettings, Verdict } from "../driver.ts";
import { encodeSettlements, settleOutcomes } from "./redis-settlements.ts";

const settings: QueueSettings = {
  name: "photos",
  maxBacklog: undefined,
  limits: { concurrency: undefined, rate: undefined, perKeyConcurrency: 1, perKeyRate: undefined },
  retention: { done: undefined, dead: { ms: 1, count: 1 } },
};

const job = (id: string, changes: Partial<ClaimedJob> = {}): ClaimedJob => ({
  id,
  token: `${id}:1:n.0`,
  name: "work",
  body: "{}",
  headers: {},
  attempt: 1,
  maxAttempts: 5,
  priority: 0,
  key: undefined,
  dedup: undefined,
  parent: undefined,
  addedAtMs: 0,
  waitedMs: 0,
  ...changes,
});

const done: Verdict = { kind: "done", result: undefined };
const failure = { name: "Error", message: "x".repeat(600) };

test("what is plainly done goes first, as tokens and ids", () => {
  const { args, order } = encodeSettlements(settings, [
    { job: job("a"), verdict: done },
    { job: job("b", { key: "k" }), verdict: done },
    { job: job("c"), verdict: { kind: "done", result: "1" } },
  ]);
  expect(args).toEqual([2, "a:1:n.0", "c:1:n.0", "a", "c", "D", "b", "b:1:n.0", 0, ""]);
  expect(order).toEqual([0, 2, 1]);
});

test.each<[string, ClaimedJob, QueueSettings]>([
  ["that was put back has a past", job("a", { token: "a:1:n.1" }), settings],
  ["with a dedup key", job("a", { dedup: "d" }), settings],
  [
    "of a queue that keeps results",
    job("a"),
    { ...settings, retention: { ...settings.retention, done: { ms: 1, count: 1 } } },
  ],
])("a job %s is not plainly done", (_, each, queue) => {
  const { args } = encodeSettlements(queue, [
    { job: each, verdict: { kind: "done", result: "1" } },
  ]);
  expect(args.slice(0, 3)).toEqual([0, "D", "a"]);
  expect(args.at(-1)).toBe("=1");
});

test("of a failure the name and 500 characters are kept; delays are whole milliseconds", () => {
  const { args } = encodeSettlements(settings, [
    { job: job("a"), verdict: { kind: "retry", delayMs: 0.2, failure } },
    { job: job("b"), verdict: { kind: "release", delayMs: 5 } },
    { job: job("c"), verdict: { kind: "dead", reason: "timeout", failure: undefined } },
  ]);
  expect(args).toEqual([
    0,
    ...["R", "a", "a:1:n.0", 1, JSON.stringify({ name: "Error", message: "x".repeat(500) })],
    ...["L", "b", "b:1:n.0", 5, ""],
    ...["X", "c", "c:1:n.0", "timeout", ""],
  ]);
});

test("what is lost finds its way back to the order of the settlements", () => {
  expect(settleOutcomes([0, 2, 1], [2, 3])).toEqual(["settled", "lost", "lost"]);
  expect(settleOutcomes([0, 1], [])).toEqual(["settled", "settled"]);
});
