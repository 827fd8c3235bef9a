import { expect, test } from "vitest";
import type { Enqueued, NewJob } from "./driver.ts";
import { EnqueueBatch } from "./enqueue-batch.ts";
import { driverFailed } from "./errors.ts";

const job = (id: string): NewJob => ({ id }) as NewJob;

function setup() {
  const sent: { ids: string[]; answer: (error?: unknown) => void }[] = [];
  const batch = new EnqueueBatch(
    (jobs) =>
      new Promise<readonly Enqueued[]>((resolve, reject) => {
        const ids = jobs.map(({ id }) => id);
        const answer = (error?: unknown): void => {
          if (error === undefined) resolve(ids.map((id) => ({ outcome: "added", id })));
          else reject(error);
        };
        sent.push({ ids, answer });
      }),
  );
  return { sent, batch };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("those of one moment leave together; those that come meanwhile, with the next", async () => {
  const { sent, batch } = setup();
  const first = [batch.add(job("a")), batch.add(job("b"))];
  await turn();
  const second = [batch.add(job("c"))];
  await turn();
  second.push(batch.add(job("d")));
  expect(sent.map(({ ids }) => ids)).toEqual([["a", "b"]]);
  sent[0]?.answer();
  expect(await Promise.all(first)).toEqual([
    { outcome: "added", id: "a" },
    { outcome: "added", id: "b" },
  ]);
  await turn();
  expect(sent.map(({ ids }) => ids)).toEqual([
    ["a", "b"],
    ["c", "d"],
  ]);
  sent[1]?.answer();
  await Promise.all(second);
});

test("a server that fails fails them all, and the next are sent all the same", async () => {
  const { sent, batch } = setup();
  const adds = [batch.add(job("a")), batch.add(job("b"))];
  await turn();
  sent[0]?.answer(driverFailed("q", "memory", new Error("down")));
  const settled = await Promise.allSettled(adds);
  expect(settled.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  const next = batch.add(job("c"));
  await turn();
  sent[1]?.answer();
  expect(await next).toEqual({ outcome: "added", id: "c" });
});

test("one that the driver cannot take does not fail its neighbours", async () => {
  const batch = new EnqueueBatch(async (jobs) => {
    if (jobs.some(({ id }) => id === "bad")) throw new Error("unsupported Unicode");
    return jobs.map(({ id }) => ({ outcome: "added", id }));
  });
  const settled = await Promise.allSettled(["a", "bad", "b"].map((id) => batch.add(job(id))));
  expect(settled.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
});

test("no more than five hundred go together", async () => {
  const sizes: number[] = [];
  const batch = new EnqueueBatch(async (jobs) => {
    sizes.push(jobs.length);
    return jobs.map(({ id }) => ({ outcome: "added", id }));
  });
  await Promise.all(Array.from({ length: 1_200 }, (_, at) => batch.add(job(String(at)))));
  expect(sizes).toEqual([500, 500, 200]);
});
