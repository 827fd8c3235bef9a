import { getEventListeners } from "node:events";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { onAbort, unlessAborted } from "./on-abort.ts";

const listeners = (signal: AbortSignal): number => getEventListeners(signal, "abort").length;

test("all who wait are called once, in the order in which they came", () => {
  const controller = new AbortController();
  const called: number[] = [];
  for (const index of [1, 2, 3]) onAbort(controller.signal, () => called.push(index));
  controller.abort();
  controller.abort();
  expect(called).toEqual([1, 2, 3]);
  expect(listeners(controller.signal)).toBe(0);
});

test("one that throws keeps none of the others from being called, and its error is thrown on", () => {
  const { signal } = new AbortController();
  const added = vi.spyOn(signal, "addEventListener");
  const called: number[] = [];
  for (const index of [1, 2, 3]) {
    onAbort(signal, () => {
      called.push(index);
      if (index < 3) throw new Error(`mistake ${index}`);
    });
  }
  // Called by hand: what Node gets from a listener ends the process.
  const listener = added.mock.calls[0]?.[1] as { handleEvent(): void };
  expect(() => listener.handleEvent()).toThrow("mistake 1");
  expect(called).toEqual([1, 2, 3]);
});

test("a signal has one listener while somebody waits, and none afterwards", () => {
  const { signal } = new AbortController();
  const leave = Array.from({ length: 100 }, () => onAbort(signal, () => {}));
  expect(listeners(signal)).toBe(1);
  for (const each of leave.slice(1)) each();
  expect(listeners(signal)).toBe(1);
  leave[0]?.();
  expect(listeners(signal)).toBe(0);
});

test("who has left is not called, the others are", () => {
  const controller = new AbortController();
  const called: string[] = [];
  const leave = onAbort(controller.signal, () => called.push("left"));
  onAbort(controller.signal, () => called.push("stayed"));
  leave();
  controller.abort();
  expect(called).toEqual(["stayed"]);
});

test("who is sent away by another one's callback is not called", () => {
  const controller = new AbortController();
  const called: string[] = [];
  onAbort(controller.signal, () => {
    called.push("first");
    leave();
  });
  const leave = onAbort(controller.signal, () => called.push("second"));
  controller.abort();
  expect(called).toEqual(["first"]);
});

test("leaving twice takes nobody else away", () => {
  const controller = new AbortController();
  const called: string[] = [];
  const leave = onAbort(controller.signal, () => called.push("first"));
  leave();
  onAbort(controller.signal, () => called.push("second"));
  leave();
  controller.abort();
  expect(called).toEqual(["second"]);
  expect(listeners(controller.signal)).toBe(0);
});

test("the same callback may wait twice and leave once", () => {
  const controller = new AbortController();
  let calls = 0;
  const callback = (): void => {
    calls++;
  };
  const leave = onAbort(controller.signal, callback);
  onAbort(controller.signal, callback);
  leave();
  controller.abort();
  expect(calls).toBe(1);
});

test("in whatever order they come and leave, those who stay are called in their order", () => {
  const steps = fc.array(fc.nat(20), { maxLength: 40 });
  fc.assert(
    fc.property(steps, (picks) => {
      const controller = new AbortController();
      const called: number[] = [];
      const waiting: { index: number; leave(): void }[] = [];
      for (const [index, pick] of picks.entries()) {
        const [left] = pick % 2 === 0 ? [] : waiting.splice(pick % (waiting.length || 1), 1);
        if (left !== undefined) left.leave();
        else waiting.push({ index, leave: onAbort(controller.signal, () => called.push(index)) });
        expect(listeners(controller.signal)).toBe(waiting.length > 0 ? 1 : 0);
      }
      controller.abort();
      expect(called).toEqual(waiting.map(({ index }) => index));
    }),
  );
});

describe("work under a signal", () => {
  test("settles as it does, whatever it returns or throws, and leaves no listener", async () => {
    const { signal } = new AbortController();
    const error = new Error("mine");
    const throws = (): never => {
      throw error;
    };
    expect(await unlessAborted(signal, async () => 1)).toBe(1);
    expect(await unlessAborted(signal, () => 2)).toBe(2);
    await expect(unlessAborted(signal, () => Promise.reject(error))).rejects.toBe(error);
    await expect(unlessAborted(signal, throws)).rejects.toBe(error);
    expect(listeners(signal)).toBe(0);
  });

  test("is left behind with the signal's reason when it aborts", async () => {
    const controller = new AbortController();
    const result = unlessAborted(controller.signal, () => new Promise(() => {}));
    controller.abort("gone");
    await expect(result).rejects.toBe("gone");
  });
});
