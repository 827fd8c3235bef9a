import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import { createJobIds, isJobId } from "./job-id.ts";

test("ids differ, also across the draws of random bytes and between two makers", () => {
  const clock = createManualClock();
  const [one, other] = [createJobIds(clock), createJobIds(clock)];
  const ids = Array.from({ length: 2_000 }, (_, at) => (at % 2 === 0 ? one() : other()));
  expect(new Set(ids).size).toBe(2_000);
  for (const id of ids) expect(id).toMatch(/^[0-9a-z]{9}[A-Za-z0-9_-]{16}$/);
  expect(ids.every(isJobId)).toBe(true);
});

test("ids of a later millisecond sort behind, with a clock at 0 too", async () => {
  const clock = createManualClock();
  const newId = createJobIds(clock);
  const before = newId();
  await clock.advance(1);
  expect(newId() > before).toBe(true);
  clock.setNow(0);
  expect(newId()).toMatch(/^000000000/);
});

test.each(["a", "order:1", "", "a b", "a\n", "a\u0000", "x".repeat(200), "x".repeat(201), 7])(
  "%j is an id of the application's, or is not",
  (id) => {
    expect(isJobId(id)).toBe(["a", "x".repeat(200)].includes(String(id)));
  },
);
