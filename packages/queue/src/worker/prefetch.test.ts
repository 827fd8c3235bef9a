import { expect, test } from "vitest";
import { Prefetch } from "./prefetch.ts";

function measured(concurrency: number, jobMs: number, tripMs: number): number {
  const prefetch = new Prefetch(concurrency, undefined);
  for (let sample = 0; sample < 100; sample++) {
    prefetch.ran(jobMs);
    prefetch.asked(tripMs);
  }
  return prefetch.size;
}

test("nothing is prefetched before anything is known", () => {
  const prefetch = new Prefetch(10, undefined);
  expect(prefetch.size).toBe(0);
  prefetch.asked(1);
  expect(prefetch.size).toBe(0);
});

test.each([
  // jobs that take long against a trip wait with the server, where others find them
  { concurrency: 1, jobMs: 60_000, tripMs: 1, size: 0 },
  { concurrency: 1, jobMs: 50, tripMs: 1, size: 0 },
  // those that end within one are there when they are needed, twice over
  { concurrency: 1, jobMs: 1, tripMs: 1, size: 2 },
  { concurrency: 100, jobMs: 10, tripMs: 1, size: 20 },
  { concurrency: 1, jobMs: 0.01, tripMs: 1, size: 200 },
  // and never more than so many
  { concurrency: 1, jobMs: 0, tripMs: 1, size: 500 },
  { concurrency: 1_000, jobMs: 0.01, tripMs: 1, size: 500 },
])("$concurrency at a time of $jobMs ms, trips of $tripMs ms: $size", (row) => {
  expect(measured(row.concurrency, row.jobMs, row.tripMs)).toBe(row.size);
});

test("what the application says stays", () => {
  const prefetch = new Prefetch(10, 3);
  prefetch.ran(0);
  prefetch.asked(100);
  expect(prefetch.size).toBe(3);
  expect(new Prefetch(10, 0).size).toBe(0);
});

test("jobs that found no place end the prefetching, until jobs are short again", () => {
  const prefetch = new Prefetch(10, undefined);
  prefetch.ran(0.01);
  prefetch.asked(1);
  expect(prefetch.size).toBe(500);
  prefetch.stalled(3_750);
  expect(prefetch.size).toBe(0);
  for (let job = 0; job < 150; job++) prefetch.ran(0.01);
  prefetch.asked(1);
  expect(prefetch.size).toBe(500);
  const fixed = new Prefetch(10, 3);
  fixed.stalled(3_750);
  expect(fixed.size).toBe(3);
});
