import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import { onAbort } from "./on-abort.ts";

const listeners = (signal: AbortSignal): number => getEventListeners(signal, "abort").length;

test("all who wait are called once, in the order in which they came", () => {
  const controller = new AbortController();
  const called: number[] = [];
  for (const index of [1, 2, 3]) onAbort(controller.signal, () => called.push(index));
  controller.abort();
  controller.abort();
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
