import { expect, test } from "vitest";
import { jobRecord } from "./redis-job-description.ts";

const record = (attempt: number): Buffer =>
  Buffer.from(`1796000000000|1796000000250|${attempt}:n.0|||["a","work",5]\n{}`);

test("a job that waits has not begun the attempt that is written down", () => {
  for (const [state, attempts] of [
    ["ready", 1],
    ["delayed", 1],
    ["held", 1],
    ["active", 2],
    ["dead", 2],
  ] as const) {
    const job = jobRecord([record(2), Buffer.from(state), null, null, null]);
    expect([job.state, job.attempts]).toEqual([state, attempts]);
  }
});

test("its end is a result or a reason", () => {
  const end = (state: string, text: string) =>
    jobRecord([record(1), Buffer.from(state), Buffer.from(text), null, null]);
  expect(end("done", '5|={"a":"|"}')).toMatchObject({ endedAtMs: 5, result: '{"a":"|"}' });
  expect(end("done", "5|").result).toBeUndefined();
  expect(end("dead", "5|timeout")).toMatchObject({ reason: "timeout", result: undefined });
});

test("its failures are a line each", () => {
  const past =
    '1796000000300 1 {"name":"Error","message":"a b\\nc"}\n1796000000400 2 {"name":"E","message":""}\n';
  const { history, progress } = jobRecord([
    record(3),
    Buffer.from("ready"),
    null,
    Buffer.from(past),
    Buffer.from("0.5"),
  ]);
  expect(history).toEqual([
    { name: "Error", message: "a b\nc", attempt: 1, atMs: 1_796_000_000_300 },
    { name: "E", message: "", attempt: 2, atMs: 1_796_000_000_400 },
  ]);
  expect(progress).toBe("0.5");
});
