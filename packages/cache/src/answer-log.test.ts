import { expect, test } from "vitest";
import { type Answer, AnswerLog } from "./answer-log.ts";
import { createCounters } from "./stats.ts";

test("each answer counts once, by where it was found, and stale ones are told", () => {
  const counters = createCounters();
  const told: string[] = [];
  const log = new AnswerLog(counters, (reason) => told.push(reason));
  const answer: Answer = {};
  log.note("hit", "l1", undefined);
  log.note("hit", "l2", answer);
  log.note("miss", undefined, undefined);
  log.note("stale", "l1", undefined);
  expect(counters).toMatchObject({ localHits: 1, sharedHits: 1, misses: 1, stale: 1 });
  expect(answer).toEqual({ result: "hit", tier: "l2" });
  expect(told).toEqual(["stale-served"]);
});
