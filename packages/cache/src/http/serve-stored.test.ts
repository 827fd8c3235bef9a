import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import { ageOf, freshLeft } from "./serve-stored.ts";
import type { StoredResponse } from "./stored-response.ts";

test("age grows from what it was; what is left shrinks to the same clock, which may be behind", async () => {
  const clock = createManualClock({ nowMs: 1_000_000 });
  const stored: StoredResponse = {
    status: 200,
    headers: {},
    body: new Uint8Array(),
    vary: {},
    storedAtMs: 1_000_000,
    ageMs: 5_000,
    lifetime: { freshMs: 10_000, staleWhileRevalidateMs: 0, staleIfErrorMs: 0 },
  };
  expect([ageOf(stored, clock), freshLeft(stored, clock)]).toEqual([5_000, 10_000]);
  await clock.advance(12_000);
  expect([ageOf(stored, clock), freshLeft(stored, clock)]).toEqual([17_000, -2_000]);
  clock.setNow(900_000);
  expect([ageOf(stored, clock), freshLeft(stored, clock)]).toEqual([5_000, 10_000]);
});
