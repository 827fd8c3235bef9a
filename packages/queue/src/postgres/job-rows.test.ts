import { expect, test } from "vitest";
import { newJob } from "../conformance/conformance-bench.ts";
import {
  ADD_COUNT,
  ADD_PARAMETERS,
  addValues,
  claimedJob,
  jobRecord,
  leaseOf,
  outcomesOf,
} from "./job-rows.ts";

const PLAIN = { maxBacklog: undefined, lock: true };

test("there is a value for each parameter, and what no job has is null", () => {
  const values = addValues("photos", [newJob({ id: "a" }), newJob({ id: "b", delayMs: 5 })], PLAIN);
  expect(values).toHaveLength(ADD_COUNT);
  expect(ADD_PARAMETERS.split(", ")).toHaveLength(ADD_COUNT);
  expect(values.slice(0, 9)).toEqual([
    ...["photos", '{"a","b"}', '{"work","work"}', '{"{}","{}"}', null, "{NULL,5}", null, "{5,5}"],
    null,
  ]);
});

test.each([
  ["a plain job", {}, {}, false],
  ["an id that may exist", { mayExist: true }, {}, true],
  ["a dedup key", { dedup: { key: "k", windowMs: undefined } }, {}, true],
  ["a backlog with an end", {}, { maxBacklog: 3 }, true],
  ["a parent", {}, { childDead: "fail" as const }, true],
])("%s is looked at one by one: %s", (_, job, options, careful) => {
  expect(addValues("photos", [newJob(job)], { ...PLAIN, ...options })[14]).toBe(careful);
});

test("an id that comes twice is looked at", () => {
  expect(addValues("photos", [newJob({ id: "a" }), newJob({ id: "a" })], PLAIN)[14]).toBe(true);
});

test("who is in no row was added", () => {
  const jobs = ["a", "b", "c"].map((id) => newJob({ id }));
  const rows = [
    { place: 2, outcome: "duplicate", id: "x" },
    { place: 3, outcome: "full", id: null },
  ];
  expect(outcomesOf(jobs, rows)).toEqual([
    { outcome: "added", id: "a" },
    { outcome: "duplicate", id: "x" },
    { outcome: "full" },
  ]);
});

test("a claimed job has a token of three parts", () => {
  const row = {
    ...{ id: "a", name: "work", body: "{}", headers: '{"t":"1"}', attempt: 2, attempts: 5 },
    ...{
      priority: 1,
      key: null,
      dedup: null,
      parentqueue: "q",
      parentid: "p",
      added: 1.4,
      waited: -1,
    },
  };
  const job = claimedJob(row, "secret");
  expect(job).toMatchObject({
    token: "a:2:secret",
    headers: { t: "1" },
    maxAttempts: 5,
    key: undefined,
    parent: { queue: "q", id: "p" },
    addedAtMs: 1,
    waitedMs: 0,
  });
  expect(leaseOf(job.token)).toBe("secret");
});

test("a record has what is there", () => {
  const row = {
    ...{ id: "a", state: "dead", name: "work", body: "{}", headers: null, attempts: 1, most: 3 },
    ...{ priority: 0, key: "k", parentqueue: null, parentid: null, added: 5, ended: 9.2 },
    ...{ progress: null, result: null, reason: "timeout", history: null },
  };
  expect(jobRecord(row)).toMatchObject({
    ...{ state: "dead", headers: {}, maxAttempts: 3, key: "k", parent: undefined, endedAtMs: 9 },
    ...{ progress: undefined, reason: "timeout", history: [] },
  });
  expect(jobRecord({ ...row, ended: null }).endedAtMs).toBeUndefined();
});
