import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import { Liveness } from "./health.ts";

test("it is stale when nothing has succeeded for too long, whatever the wall clock does", async () => {
  const clock = createManualClock({ nowMs: 1_000 });
  const liveness = new Liveness(clock, 15_000);
  expect(liveness.read(false)).toEqual({ status: "ok", lastClaimMs: 1_000 });
  clock.setNow(50_000_000);
  await clock.advance(15_000);
  expect(liveness.read(false).status).toBe("ok");
  await clock.advance(1);
  expect(liveness.read(false)).toEqual({ status: "stale", lastClaimMs: 1_000 });
  expect(liveness.read(true).status).toBe("ok");
  liveness.succeeded();
  expect(liveness.read(false)).toEqual({ status: "ok", lastClaimMs: 50_015_001 });
});
