import { queueProcess } from "@headroom/core/channels";
import { expect, test } from "vitest";
import { z } from "zod";
import type { ClaimedJob, QueueDriver, Verdict } from "../driver.ts";
import { QueueError } from "../errors.ts";
import type { Handler } from "../job.ts";
import { definitionRules } from "../queue-options.ts";
import { Attempt } from "./attempt.ts";
import { JobRunner, outcomeOf } from "./job-runner.ts";

function setup(options: Parameters<typeof definitionRules>[0], body = "1") {
  const ended: [Verdict, unknown][] = [];
  const runner = new JobRunner({
    driver: {
      name: "stub",
      capabilities: { delayMs: Number.POSITIVE_INFINITY, results: true },
    } as QueueDriver,
    settings: { name: "q" } as never,
    middleware: [],
    random: () => 0.5,
    ended: (_, verdict, error) => ended.push([verdict, error]),
  });
  const attempt = new Attempt(
    { id: "1", name: "q", body, attempt: 1, maxAttempts: 2, token: "1:1:x" } as ClaimedJob,
    0,
  );
  const run = async (handler: Handler): Promise<[Verdict, unknown] | undefined> => {
    runner.run(definitionRules(options), handler, attempt);
    await new Promise((resolve) => setImmediate(resolve));
    expect(ended).toHaveLength(1);
    return ended[0];
  };
  return { run, attempt, ended };
}

const slow = z.number().refine(async (n) => n > 0);

test.each<[string, Parameters<typeof definitionRules>[0], string, Handler, object]>([
  ["is done", { name: "q" }, "1", () => 5, { kind: "done", result: undefined }],
  ["keeps a result", { name: "q", results: {} }, "1", async () => 5, { result: "5" }],
  ["waits for a schema", { name: "q", input: slow, output: slow }, "1", () => 5, { result: "5" }],
  ["throws", { name: "q" }, "1", () => Promise.reject(new Error("x")), { kind: "retry" }],
  ["does not fit", { name: "q", input: z.string() }, "1", () => 5, { reason: "invalid" }],
  ["does not fit later", { name: "q", input: slow }, "-1", () => 5, { reason: "invalid" }],
  ["is no JSON", { name: "q" }, "{", () => 5, { reason: "invalid" }],
  ["has a wrong result", { name: "q", output: z.string() }, "1", () => 5, { reason: "invalid" }],
  ["has a late wrong result", { name: "q", output: slow }, "1", () => -5, { reason: "invalid" }],
  ["has no JSON for a result", { name: "q", results: {} }, "1", () => 5n, { reason: "invalid" }],
])("a job that %s ends once, with its verdict", async (_, options, body, handler, verdict) => {
  const [given] = (await setup(options, body).run(handler)) ?? [];
  expect(given).toMatchObject(verdict);
});

test("a schema that stumbles has not judged the data: the job is tried again", async () => {
  const input = z.number().transform(() => {
    throw new Error("the database is down");
  });
  const [verdict] = (await setup({ name: "q", input }).run(() => 5)) ?? [];
  expect(verdict).toMatchObject({ kind: "retry", failure: { message: "the database is down" } });
});

test("a handler's own trouble with another queue is not this job's data", async () => {
  const invalid = new QueueError("QUEUE_INVALID", "other", "not its data");
  const [verdict] =
    (await setup({ name: "q" }).run(() => {
      throw invalid;
    })) ?? [];
  expect(verdict).toMatchObject({ kind: "retry" });
});

test("with a subscriber it is the same, and the operation has an outcome", async () => {
  const outcomes: unknown[] = [];
  const unsubscribe = queueProcess.subscribe({
    asyncEnd: ({ outcome, error }) => outcomes.push(outcome, error),
  });
  const done = await setup({ name: "q", results: {} }).run(() => 5);
  const boom = new Error("boom");
  const failed = await setup({ name: "q" }).run(() => {
    throw boom;
  });
  unsubscribe();
  expect(done).toEqual([{ kind: "done", result: "5" }, undefined]);
  expect(failed).toEqual([expect.objectContaining({ kind: "retry" }), boom]);
  expect(outcomes).toEqual(["done", undefined, "retried", boom]);
});

test("what the worker itself has aborted is not called a failure of the handler", () => {
  const { attempt } = setup({ name: "q" });
  expect(outcomeOf(attempt)).toBe("retried");
  attempt.verdict = { kind: "dead", reason: "timeout", failure: undefined };
  expect(outcomeOf(attempt)).toBe("dead");
  attempt.abort(new QueueError("QUEUE_STOPPING", "q", "stop"));
  expect(outcomeOf(attempt)).toBe("released");
  attempt.gone = true;
  expect(outcomeOf(attempt)).toBe("lost");
});
