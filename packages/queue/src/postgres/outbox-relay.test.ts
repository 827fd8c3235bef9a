import { createManualClock } from "@headroom/core/testing";
import { expect, onTestFinished, test } from "vitest";
import { ids, newJob } from "../conformance/conformance-bench.ts";
import type { ClaimedJob, Enqueued, NewJob } from "../driver.ts";
import { memoryDriver } from "../memory/memory-driver.ts";
import { outboxRelay, type RelaySource } from "./outbox-relay.ts";

/** A relay between two memories; `takes` is whether it is its turn. */
function relaying(jobs: readonly NewJob[], takes: () => boolean = () => true) {
  const clock = createManualClock();
  const source = memoryDriver({ clock });
  const target = memoryDriver({ clock });
  const offered: NewJob[][] = [];
  const errors: unknown[] = [];
  let answer: ((jobs: readonly NewJob[]) => Promise<readonly Enqueued[]>) | undefined;
  const from: RelaySource = {
    settle: source.settle,
    extend: source.extend,
    subscribe: source.subscribe,
    claimToForward: async (queue, _owner, request) =>
      takes() ? source.claim(queue, request) : undefined,
  };
  const to = {
    enqueue: ((queue, given) => {
      offered.push([...given]);
      return answer === undefined ? target.enqueue(queue, given) : answer(given);
    }) satisfies typeof target.enqueue,
  };
  const start = async () => {
    const settings = {
      name: "mail",
      maxBacklog: undefined,
      limits: {
        concurrency: undefined,
        rate: undefined,
        perKeyConcurrency: 1,
        perKeyRate: undefined,
      },
      retention: { done: undefined, dead: { ms: 1, count: 1 } },
    };
    await source.enqueue(settings, jobs);
    const relay = outboxRelay({
      ...{ from, to, queues: ["mail"], batch: 2, leaseMs: 3_000, clock, random: () => 0.5 },
      onError: (error) => errors.push(error),
    });
    onTestFinished(() => relay.close());
    await clock.advance(0);
    return relay;
  };
  const answers = (next: typeof answer): void => {
    answer = next;
  };
  return { clock, source, target, offered, errors, start, answers };
}

const three = ["a", "b", "c"].map((id) =>
  newJob({ id, key: "k", headers: { id }, maxAttempts: 1 }),
);

test("batch by batch, with the same ids, which may be there", async () => {
  const { offered, source, target, start, clock } = relaying(three);
  const relay = await start();
  expect(offered.map(ids)).toEqual([["a", "b"], ["c"]]);
  expect(offered[0]?.[0]).toMatchObject({
    mayExist: true,
    key: "k",
    headers: { id: "a" },
    maxAttempts: 1,
  });
  expect(ids(target.jobs("mail"))).toEqual(["a", "b", "c"]);
  expect(source.jobs("mail")).toEqual([]);
  await relay.close();
  await relay.close();
  expect(clock.pending).toBe(0);
});

test("what fails, and what finds no room, is offered again before anything else", async () => {
  const { offered, target, start, answers, errors, clock } = relaying(three);
  answers(() => Promise.reject(new Error("away")));
  await start();
  expect([offered.map(ids), errors.length]).toEqual([[["a", "b"]], 1]);
  answers(async (jobs) => [
    ...(await target
      .enqueue({ name: "mail", maxBacklog: undefined } as never, jobs.slice(0, 1))
      .catch(() => [])),
    { outcome: "full" },
  ]);
  answers(async (given) =>
    given.map(({ id }): Enqueued => (id === "a" ? { outcome: "added", id } : { outcome: "full" })),
  );
  await clock.advance(60);
  expect(offered.at(-1)?.map(({ id }) => id)).toEqual(["a", "b"]);
  answers(undefined);
  await clock.advance(1_000);
  expect(offered.slice(2).map(ids)).toEqual([["b"], ["c"]]);
});

test("who is not the one waits, and takes over", async () => {
  let takes = false;
  const { offered, start, clock } = relaying(three, () => takes);
  await start();
  await clock.advance(900);
  expect(offered).toEqual([]);
  takes = true;
  await clock.advance(1_000);
  expect(offered.map(ids)).toEqual([["a", "b"], ["c"]]);
});

test("close lets the batch that is on its way arrive, and claims no more", async () => {
  const { offered, source, start, answers, clock } = relaying(three);
  let arrive: (outcomes: readonly Enqueued[]) => void = () => {};
  answers(
    () =>
      new Promise((resolve) => {
        arrive = resolve;
      }),
  );
  const relay = await start();
  const closing = relay.close();
  arrive([
    { outcome: "added", id: "a" },
    { outcome: "duplicate", id: "b" },
  ]);
  await clock.advance(0);
  await closing;
  expect(offered.map(ids)).toEqual([["a", "b"]]);
  expect(ids(source.jobs("mail") as readonly Pick<ClaimedJob, "id">[])).toEqual(["c"]);
});

test("options are checked", () => {
  const driver = memoryDriver();
  expect(() => outboxRelay({ from: driver as never, to: driver, queues: ["a"] })).toThrow(
    TypeError,
  );
  const from = Object.assign(Object.create(driver), { claimToForward: () => {} });
  expect(() => outboxRelay({ from, to: driver, queues: [] })).toThrow(/queues/);
});
