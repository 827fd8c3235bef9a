import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import { ServerTime } from "./server-time.ts";

test("it goes on from the server's last answer, whatever is done to the wall clock here", async () => {
  const clock = createManualClock();
  const time = new ServerTime(clock);
  expect(time.isStale).toBe(true);
  time.observe(5_000);
  await clock.advance(100);
  clock.setNow(0);
  expect(time.now()).toBe(5_100);
  expect(time.isStale).toBe(false);
  await clock.advance(60_000);
  expect(time.isStale).toBe(true);
  time.observe(1_000);
  expect(time.now()).toBe(1_000);
});
