import { expect, test } from "vitest";
import { newJob } from "../conformance/conformance-bench.ts";
import type { Enqueued, NewJob, QueueSettings } from "../driver.ts";
import { EnqueueBatches } from "./enqueue-batches.ts";

function settings(name: string, maxBacklog?: number): QueueSettings {
  const limits = {
    concurrency: undefined,
    rate: undefined,
    perKeyConcurrency: 1,
    perKeyRate: undefined,
  };
  return { name, maxBacklog, limits, retention: { done: undefined, dead: { ms: 1, count: 1 } } };
}

function batching(send?: () => Promise<never>) {
  const sent: [string, string[]][] = [];
  const batches = new EnqueueBatches(async ({ name }, jobs) => {
    sent.push([name, jobs.map(({ id }) => id)]);
    if (send !== undefined) return send();
    return jobs.map(({ id }): Enqueued => ({ outcome: "added", id }));
  });
  return { sent, batches };
}

const named = (...ids: string[]): NewJob[] => ids.map((id) => newJob({ id }));

test("what is added in one turn goes together, and each gets its own outcomes", async () => {
  const { sent, batches } = batching();
  const photos = settings("photos");
  const outcomes = await Promise.all([
    batches.add(photos, named("a")),
    batches.add(settings("mail"), named("x")),
    batches.add(photos, named("b", "c")),
  ]);
  expect(sent).toEqual([
    ["photos", ["a", "b", "c"]],
    ["mail", ["x"]],
  ]);
  expect(outcomes.map((each) => each.map((one) => "id" in one && one.id))).toEqual([
    ["a"],
    ["x"],
    ["b", "c"],
  ]);
  await batches.add(photos, named("d"));
  expect(sent.at(-1)).toEqual(["photos", ["d"]]);
});

test("a queue with another backlog is asked apart", async () => {
  const { sent, batches } = batching();
  await Promise.all([
    batches.add(settings("photos", 1), named("a")),
    batches.add(settings("photos", 2), named("b")),
  ]);
  expect(sent).toHaveLength(2);
});

test("a thousand jobs, or some megabytes, are enough for one statement", async () => {
  const { sent, batches } = batching();
  const photos = settings("photos");
  const many = Array.from({ length: 600 }, (_, n) => `${n}`);
  const large = newJob({ id: "large", body: "x".repeat(3_000_000) });
  await Promise.all([
    batches.add(photos, named(...many)),
    batches.add(photos, named(...many)),
    batches.add(photos, [large]),
    batches.add(photos, [large]),
  ]);
  expect(sent.map(([, ids]) => ids.length)).toEqual([600, 601, 1]);
});

test("a failure is that of all", async () => {
  const { batches } = batching(() => Promise.reject(new Error("away")));
  const photos = settings("photos");
  const adding = [batches.add(photos, named("a")), batches.add(photos, named("b"))];
  for (const each of await Promise.allSettled(adding)) expect(each.status).toBe("rejected");
});
