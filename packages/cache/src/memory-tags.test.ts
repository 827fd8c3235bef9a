import { expect, test } from "vitest";
import { TagClock } from "./memory-tags.ts";

test("a tag has the number of its last bump, and none before the first", () => {
  const clock = new TagClock();
  expect(clock.read(["a"])).toEqual({ sequence: 0, floor: 0, bumps: [undefined] });
  clock.bump(["a", "b"]);
  const sequence = clock.bump(["b"]);
  expect(clock.read(["a", "b", "c"])).toEqual({
    sequence,
    floor: 0,
    bumps: [sequence - 1, sequence, undefined],
  });
});

test("what forgets its tags has a floor above every number that it gave", () => {
  const clock = new TagClock();
  const before = clock.bump(["a"]);
  clock.forget();
  const { floor, sequence, bumps } = clock.read(["a"]);
  expect(floor).toBeGreaterThan(before);
  expect([sequence, bumps]).toEqual([floor, [undefined]]);
  expect(clock.bump(["a"])).toBeGreaterThan(floor);
});
