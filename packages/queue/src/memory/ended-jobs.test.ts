import { expect, test } from "vitest";
import { EndedJobs } from "./ended-jobs.ts";
import type { MemoryJob } from "./memory-job.ts";

const job = (order: number): MemoryJob => ({ order }) as MemoryJob;
const [one, two, three] = [job(1), job(2), job(3)];

function ended(): EndedJobs {
  const jobs = new EndedJobs();
  for (const [at, each] of [three, one, two].entries()) jobs.add(each, 100 * at);
  return jobs;
}

test("they are kept in the order of their end", () => {
  expect(ended().jobs()).toEqual([three, one, two]);
  expect(ended().size).toBe(3);
});

test("the oldest go when they are too many", () => {
  const jobs = ended();
  expect(jobs.takeExcess({ ms: 1e9, count: 3 }, 0)).toEqual([]);
  expect(jobs.takeExcess({ ms: 1e9, count: 1 }, 0)).toEqual([three, one]);
  expect(jobs.jobs()).toEqual([two]);
});

test("or when their time is over", () => {
  const jobs = ended();
  expect(jobs.takeExcess({ ms: 500, count: 9 }, 499)).toEqual([]);
  expect(jobs.takeExcess({ ms: 500, count: 9 }, 600)).toEqual([three, one]);
  expect(jobs.takeExcess({ ms: 0, count: 0 }, 600)).toEqual([two]);
});

test("what was taken out by hand is not counted", () => {
  const jobs = ended();
  jobs.delete(three);
  expect(jobs.takeExcess({ ms: 1e9, count: 1 }, 0)).toEqual([one]);
});

test("one that ends again is young again", () => {
  const jobs = ended();
  jobs.delete(three);
  jobs.add(three, 300);
  expect(jobs.takeExcess({ ms: 1e9, count: 1 }, 300)).toEqual([one, two]);
});
