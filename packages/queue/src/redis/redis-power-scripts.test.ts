// What the scripts do is shown on real servers. Here: whom they tell.
import { expect, test } from "vitest";
import { CANCEL, FIRE, HOLD, PAUSE, PROGRESS, REDRIVE, REPORT } from "./redis-power-scripts.ts";

test("every script that may make a job ready ends by waking a process", () => {
  for (const { source } of [CANCEL, PAUSE, REDRIVE, FIRE, HOLD, REPORT]) {
    expect(source.trim().split("\n").slice(-4)).toContain("close()");
  }
});

test("cancellations and progress are published", () => {
  expect(CANCEL.source).toContain("'cancelled ' .. job.id");
  expect(PROGRESS.source).toContain("'progress ' .. ARGV[2]");
});
