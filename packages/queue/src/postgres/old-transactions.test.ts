import { queueVacuum } from "@headroom/core/channels";
import { createManualClock } from "@headroom/core/testing";
import { expect, onTestFinished, test } from "vitest";
import { OldTransactions } from "./old-transactions.ts";

test("an old transaction is told, a young one is not; the server is asked once a minute", async () => {
  const clock = createManualClock({ nowMs: 1_000 });
  const ages = [5, null, 2_000];
  let asked = 0;
  const run = async () => [{ age: ages[asked++] ?? null }];
  const told: unknown[] = [];
  onTestFinished(queueVacuum.subscribe((event) => told.push(event)));
  const transactions = new OldTransactions({ oldMs: 1_000, clock, run });
  for (let minute = 0; minute < 3; minute++) {
    await transactions.look("photos");
    await transactions.look("photos");
    await clock.advance(60_000);
  }
  expect(asked).toBe(3);
  expect(told).toEqual([
    { queue: "photos", system: "postgresql", transactionMs: 2_000, atMs: 121_000 },
  ]);
});
