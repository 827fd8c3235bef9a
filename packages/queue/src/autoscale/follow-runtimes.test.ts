import { queueProcess } from "@headroom/core/channels";
import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import { followRuntimes } from "./follow-runtimes.ts";

test("each attempt is timed, also one that fails, until nobody wants to know", async () => {
  const clock = createManualClock();
  const seen: unknown[] = [];
  const stop = followRuntimes(clock, (queue, runtimeMs) => seen.push([queue, runtimeMs]));
  const attempt = (queue: string, work: Promise<void>, jobs = 1): Promise<void> =>
    queueProcess.trace(
      () => ({ queue, name: queue, system: "memory", attempt: 1, waitedMs: 0, jobs }),
      () => work,
    );
  const failing = attempt(
    "mail",
    clock.sleep(70).then(() => {
      throw new Error("no");
    }),
  );
  const rejected = expect(failing).rejects.toThrow("no");
  const fine = attempt("photos", clock.sleep(200), 10);
  await clock.advance(200);
  await rejected;
  await fine;
  stop();
  const unseen = attempt("photos", clock.sleep(1));
  await clock.advance(1);
  await unseen;
  expect(seen).toEqual([
    ["mail", 70],
    ["photos", 20],
  ]);
});
