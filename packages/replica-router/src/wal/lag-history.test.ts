import { expect, test } from "vitest";
import { LagHistory } from "./lag-history.ts";

test("nothing is known before the primary was seen", () => {
  expect(new LagHistory().lagMs(5n, 0)).toBeUndefined();
  expect(new LagHistory().lagBytes(5n)).toBeUndefined();
});

test("a replica that has everything is not behind, however long nobody writes", () => {
  const history = new LagHistory();
  history.note(100n, 0);
  expect(history.lagMs(100n, 60_000)).toBe(0);
  expect(history.lagMs(101n, 60_000)).toBe(0);
  expect(history.lagBytes(101n)).toBe(0);
});

test("one that is behind is as old as the moment at which the primary was there", () => {
  const history = new LagHistory();
  history.note(100n, 0);
  history.note(100n, 1000);
  history.note(200n, 2000);
  history.note(300n, 3000);
  expect(history.lagMs(250n, 3500)).toBe(1500);
  expect(history.lagMs(100n, 3500)).toBe(2500);
  expect(history.lagBytes(250n)).toBe(50);
});

test("one that is behind all that is remembered is at least as old", () => {
  const history = new LagHistory();
  for (let second = 0; second < 3000; second++) history.note(BigInt(1000 + second), second * 1000);
  expect(history.lagMs(1n, 3_000_000)).toBe(1024_000);
});

test("positions of a history that is over compare to nothing", () => {
  const history = new LagHistory();
  history.note(300n, 0);
  history.note(200n, 1000);
  expect(history.lagMs(200n, 2000)).toBe(0);
  history.forget();
  expect(history.newest).toBeUndefined();
});
