import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import { callLoader, Loading } from "./loading.ts";

const clock = createManualClock();
const limits = { name: "user", timeoutMs: 100, clock };

function context(controller: AbortController, stale?: Loading["stale"]): Loading {
  return new Loading(controller.signal, stale, false);
}

test("what a loader says besides the value comes with it, and how long it took", async () => {
  const controller = new AbortController();
  const loading = callLoader(
    async (own) => {
      own.setTtlMs(5);
      own.addTags("a", "b");
      own.setValidator("etag");
      await clock.sleep(20);
      return "v";
    },
    context(controller),
    controller,
    limits,
  );
  await clock.advance(20);
  expect(await loading).toEqual({
    value: "v",
    loadMs: 20,
    ttlMs: 5,
    tags: ["a", "b"],
    validator: "etag",
  });
  expect(clock.pending).toBe(0);
});

test("notModified gives the stale value and keeps its validator", async () => {
  const controller = new AbortController();
  const stale = { value: "old", validator: "etag", ageMs: 5 };
  const loaded = await callLoader(
    (own) => own.notModified(),
    context(controller, stale),
    controller,
    limits,
  );
  expect(loaded).toMatchObject({ value: "old", validator: "etag" });
  await expect(
    callLoader((own) => own.notModified(), context(controller), controller, limits),
  ).rejects.toThrow(/needs a stale value/);
});

test("a loader that throws at once rejects", async () => {
  const controller = new AbortController();
  const failing = callLoader(
    () => {
      throw new Error("at once");
    },
    context(controller),
    controller,
    limits,
  );
  await expect(failing).rejects.toThrow("at once");
  expect(clock.pending).toBe(0);
});

test("an abort ends the wait, with its reason", async () => {
  const controller = new AbortController();
  const hanging = callLoader(() => new Promise(() => {}), context(controller), controller, limits);
  controller.abort("everybody left");
  await expect(hanging).rejects.toBe("everybody left");
  expect(clock.pending).toBe(0);
});

test.each<[(own: Loading) => void, RegExp]>([
  [(own) => own.setTtlMs(-1), /ttlMs must be a non-negative/],
  [(own) => own.addTags(5 as never), /tag must be/],
  [(own) => own.setValidator(undefined as never), /validator must be/],
])("a wrong word of the loader is an error", (say, message) => {
  expect(() => say(context(new AbortController()))).toThrow(message);
});
