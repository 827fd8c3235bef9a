import { expect, test } from "vitest";
import { newJob } from "../conformance/conformance-bench.ts";
import { claimedJob, jobRecord, longerHistory, type MemoryJob } from "./memory-job.ts";

function memoryJob(changes: Partial<MemoryJob> = {}): MemoryJob {
  return {
    added: newJob({ id: "a", key: "k", dedup: { key: "d", windowMs: 5 } }),
    order: 0,
    addedAtMs: 5_000,
    state: "active",
    attempts: 2,
    dueMs: 100,
    lease: undefined,
    family: undefined,
    progress: undefined,
    result: undefined,
    reason: undefined,
    history: [],
    endedMs: undefined,
    endedAtMs: undefined,
    ...changes,
  };
}

test("who claims a job gets what was added, the attempt, and how long it was ready", () => {
  expect(claimedJob(memoryJob(), "a:2:x", 130)).toMatchObject({
    id: "a",
    token: "a:2:x",
    attempt: 2,
    key: "k",
    dedup: "d",
    addedAtMs: 5_000,
    waitedMs: 30,
  });
});

test("a record shows no lease", () => {
  const lease = { token: "a:2:x", untilMs: 1 };
  const record = jobRecord(memoryJob({ lease, progress: "1" }));
  expect(record).toMatchObject({ id: "a", state: "active", attempts: 2, progress: "1" });
  expect(JSON.stringify(record)).not.toContain("a:2:x");
});

test("a history has its last ten", () => {
  const failures = Array.from({ length: 12 }, (_, at) => ({
    ...{ name: "E", message: "", attempt: at + 1, atMs: at },
  }));
  const history = failures.reduce<ReturnType<typeof longerHistory>>(longerHistory, []);
  expect(history).toEqual(failures.slice(2));
});
