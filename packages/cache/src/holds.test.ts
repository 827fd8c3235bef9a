import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import { Holds } from "./holds.ts";

test("a key is on hold for its time; a shorter hold does not shorten it", async () => {
  const clock = createManualClock();
  const holds = new Holds(clock);
  holds.add("a", 100);
  holds.add("a", 10);
  holds.add("b", 0);
  expect([holds.has("a"), holds.has("b")]).toEqual([true, false]);
  await clock.advance(99);
  expect(holds.has("a")).toBe(true);
  await clock.advance(1);
  expect(holds.has("a")).toBe(false);
});
