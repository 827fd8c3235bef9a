import { seededRandom } from "@headroom/core/random";
import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import { PendingInvalidations } from "./pending-invalidations.ts";

function pending(most = 100) {
  const clock = createManualClock();
  const done: unknown[] = [];
  const store = { isUp: false, before: async (): Promise<void> => {} };
  const reach = async (what: unknown): Promise<void> => {
    await store.before();
    if (!store.isUp) throw new Error("down");
    done.push(what);
  };
  const queue = new PendingInvalidations({
    invalidate: (keys, holdForMs) => reach({ keys: [...keys], holdForMs }),
    bump: (tags) => reach({ tags: [...tags] }),
    everything: "*",
    most,
    clock,
    random: seededRandom(1),
  });
  return { queue, clock, done, store };
}

test("what could not be invalidated is tried until the store takes it", async () => {
  const { queue, clock, done, store } = pending();
  queue.addKeys(["a", "b"], 0);
  queue.addTags(["t"]);
  await clock.advance(60_000);
  expect(queue.size).toBe(3);
  expect(queue.has("a")).toBe(true);
  expect(queue.has("c")).toBe(false);
  store.isUp = true;
  await clock.advance(5_000);
  expect(done).toEqual([{ tags: ["t"] }, { keys: ["a", "b"], holdForMs: 0 }]);
  expect(queue.size).toBe(0);
  expect(clock.pending).toBe(0);
});

test("keys with a hold are invalidated with it, the longest of one key", async () => {
  const { queue, done, store } = pending();
  queue.addKeys(["a", "b"], 0);
  queue.addKeys(["a"], 500);
  queue.addKeys(["a"], 200);
  store.isUp = true;
  expect(await queue.flush()).toBe(true);
  expect(done).toEqual([
    { keys: ["a"], holdForMs: 500 },
    { keys: ["b"], holdForMs: 0 },
  ]);
});

test("too many become one: everything", async () => {
  const { queue, done, store } = pending(10);
  queue.addKeys(
    Array.from({ length: 11 }, (_, index) => `k${index}`),
    0,
  );
  expect(queue.size).toBe(1);
  expect(queue.has("any")).toBe(true);
  store.isUp = true;
  await queue.flush();
  expect(done).toEqual([{ tags: ["*"] }]);
  expect(queue.has("any")).toBe(false);
});

test("a key that is invalidated again while the first is under way is not forgotten with it", async () => {
  const { queue, done, store } = pending();
  let release = (): void => {};
  store.isUp = true;
  store.before = () =>
    new Promise((resolve) => {
      release = resolve;
    });
  queue.addKeys(["a"], 0);
  const flushing = queue.flush();
  queue.addKeys(["a"], 0); // after the source has changed once more, and failed on its own way
  store.before = async () => {};
  release();
  expect(await flushing).toBe(true);
  expect(done).toHaveLength(2);
});

test("close tries a last time and says whether nothing was lost", async () => {
  const { queue, clock, store } = pending();
  queue.addKeys(["a"], 0);
  expect(await queue.close()).toBe(false);
  expect(clock.pending).toBe(0);
  const other = pending();
  other.queue.addKeys(["a"], 0);
  other.store.isUp = true;
  expect(await other.queue.close()).toBe(true);
  store.isUp = true;
});
