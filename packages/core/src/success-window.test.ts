import { expect, test } from "vitest";
import { SuccessWindow } from "./success-window.ts";

function record(window: SuccessWindow, successes: number, failures: number, nowMs: number): void {
  for (let i = 0; i < successes; i++) window.record(true, nowMs);
  for (let i = 0; i < failures; i++) window.record(false, nowMs);
}

test("the rate is the share of successes", () => {
  const window = new SuccessWindow();
  record(window, 30, 10, 0);
  expect(window.rateAt(0)).toBe(0.75);
});

test("all failed is 0, all succeeded is 1", () => {
  const [failing, working] = [new SuccessWindow(), new SuccessWindow()];
  record(failing, 0, 20, 0);
  record(working, 20, 0, 0);
  expect([failing.rateAt(0), working.rateAt(0)]).toEqual([0, 1]);
});

test("there is no rate before 20 requests", () => {
  const window = new SuccessWindow();
  record(window, 0, 19, 0);
  expect(window.rateAt(0)).toBeUndefined();
  window.record(false, 0);
  expect(window.rateAt(0)).toBe(0);
});

test("there is no rate any more when the requests have left the window", () => {
  const window = new SuccessWindow();
  record(window, 10, 10, 0);
  expect(window.rateAt(9_999)).toBe(0.5);
  expect(window.rateAt(10_000)).toBeUndefined();
});

test("old failures make room for new successes", () => {
  const window = new SuccessWindow({ windowMs: 1000, minRequests: 10 });
  record(window, 0, 10, 0);
  record(window, 10, 0, 500);
  expect(window.rateAt(900)).toBe(0.5);
  expect(window.rateAt(1000)).toBe(1);
});

test("cleared, it has nothing to judge by", () => {
  const window = new SuccessWindow();
  record(window, 0, 50, 0);
  window.clear();
  expect(window.rateAt(0)).toBeUndefined();
});

test("wrong options are refused by name", () => {
  expect(() => new SuccessWindow({ windowMs: 0 })).toThrow(/windowMs must be a positive number/);
  expect(() => new SuccessWindow({ minRequests: 1.5 })).toThrow(/minRequests must be an integer/);
  expect(() => new SuccessWindow({ minRequest: 5 } as object)).toThrow(
    /did you mean "minRequests"/,
  );
});
