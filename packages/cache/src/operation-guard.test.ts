import { constantBackoff } from "@headroom/core/backoff";
import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import { OperationGuard } from "./operation-guard.ts";

const forever = (): Promise<never> => new Promise(() => {});

function setup() {
  const clock = createManualClock();
  const timeouts: number[] = [];
  const guard = new OperationGuard({
    name: "redis",
    timeoutMs: 50,
    circuit: { consecutiveFailures: 2, backoff: constantBackoff(1_000) },
    clock,
    errorOf: (error) => ({ translated: error }),
    onTimeout: () => timeouts.push(clock.monotonicNow()),
  });
  return { clock, guard, timeouts };
}

test("an answer comes through, an error is translated", async () => {
  const { guard } = setup();
  await expect(guard.run(async () => 42)).resolves.toBe(42);
  await expect(guard.run(() => Promise.reject("boom"))).rejects.toEqual({ translated: "boom" });
});

test("what hangs is a timeout that names the server, and enough of these open the circuit", async () => {
  const { clock, guard, timeouts } = setup();
  const hanging = Promise.allSettled([guard.run(forever), guard.run(forever)]);
  await clock.advance(50);
  for (const outcome of await hanging) {
    expect(outcome).toMatchObject({ reason: { code: "CACHE_STORE_TIMEOUT", store: "redis" } });
  }
  expect(timeouts).toEqual([50, 50]);
  expect(guard.isClosed).toBe(false);
  let calls = 0;
  const count = async () => {
    calls += 1;
  };
  await expect(guard.run(count)).rejects.toMatchObject({ code: "CIRCUIT_OPEN", circuit: "redis" });
  expect(calls).toBe(0);
  await clock.advance(1_000);
  await guard.run(count);
  expect([calls, guard.isClosed]).toEqual([1, true]);
});

test("what throws before there is a promise is a failure like any other", async () => {
  const { guard } = setup();
  const broken = () => {
    throw new TypeError("no command");
  };
  await expect(guard.run(broken)).rejects.toEqual({ translated: new TypeError("no command") });
});
