import { expect, test } from "vitest";
import { newJob } from "../conformance/conformance-bench.ts";
import { isEnd, JobStates } from "./job-states.ts";
import type { MemoryJob } from "./memory-job.ts";

const job = (id: string): MemoryJob =>
  ({ added: newJob({ id }), state: "ready", endedMs: undefined }) as MemoryJob;

function three(): [JobStates, MemoryJob, MemoryJob, MemoryJob] {
  const states = new JobStates();
  const jobs = [job("a"), job("b"), job("c")] as const;
  for (const each of jobs) states.add(each);
  return [states, ...jobs];
}

test("jobs are counted and listed by their state", () => {
  const [states, a, b, c] = three();
  states.move(a, "active");
  states.move(b, "delayed");
  states.move(b, "delayed");
  expect([states.count("ready"), states.count("active"), states.count("held")]).toEqual([1, 1, 0]);
  expect(states.backlog).toBe(2);
  expect(states.list("ready")).toEqual([c]);
  expect(states.all()).toEqual([a, b, c]);
  states.delete(c);
  states.delete(c);
  expect([states.count("ready"), states.find("c")]).toEqual([0, undefined]);
});

test("those that have ended are listed by their end, and dropped when they are too many", () => {
  const [states, a, b, c] = three();
  for (const each of [c, a]) states.move(each, "dead");
  states.move(b, "done");
  expect(states.list("dead")).toEqual([c, a]);
  states.dropExcess({ done: undefined, dead: { ms: 1_000, count: 1 } }, 0);
  expect(states.all()).toEqual([a]);
  expect([states.count("dead"), states.count("done")]).toEqual([1, 0]);
});

test("a dead job that lives again is not dropped with the dead", () => {
  const [states, a] = three();
  states.move(a, "dead");
  states.move(a, "ready");
  states.dropExcess({ done: undefined, dead: { ms: 0, count: 0 } }, 10);
  expect(states.find("a")).toBe(a);
});

test("what was cancelled is kept as what is done", () => {
  const [states, a] = three();
  states.move(a, "cancelled");
  const dead = { ms: 0, count: 0 };
  states.dropExcess({ done: { ms: 10, count: 5 }, dead }, 5);
  expect(states.find("a")).toBe(a);
  states.dropExcess({ done: { ms: 10, count: 5 }, dead }, 10);
  expect(states.find("a")).toBeUndefined();
});

test("three states are ends", () => {
  const all = ["held", "delayed", "ready", "active", "done", "dead", "cancelled"] as const;
  expect(all.filter(isEnd)).toEqual(["done", "dead", "cancelled"]);
});
