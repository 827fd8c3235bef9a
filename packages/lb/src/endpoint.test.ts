import { expect, test } from "vitest";
import { Endpoint } from "./endpoint.ts";

const RULES = { decayMs: 10_000, initialMs: 1_000, window: { minRequests: 2 } };

function endpoint(): Endpoint<string> {
  const options = { id: "a", target: "A", weight: 2, priority: 1, zone: "north" };
  return new Endpoint(options, "owner", 0, RULES);
}

test("takes over what it was given", () => {
  expect(endpoint()).toMatchObject({
    id: "a",
    target: "A",
    weight: 2,
    priority: 1,
    zone: "north",
    share: 1,
    inFlight: 0,
    isAvailable: true,
    isDraining: false,
  });
});

test("forgiving gives it a clean sheet", () => {
  const one = endpoint();
  one.answeredIn(5_000, 0);
  one.window.record(false, 0);
  one.window.record(false, 0);
  one.forgive();
  expect(one.latency.estimateAt(10)).toBe(0);
  expect(one.window.rateAt(10)).toBeUndefined();
});

test.each([
  [{ status: "healthy", joinedMs: 0, ejectionMs: 0 }, false, true],
  [{ status: "suspect", joinedMs: 0, ejectionMs: 0, failures: 1 }, false, true],
  [{ status: "ejected", untilMs: 1, ejectionMs: 1 }, false, false],
  [{ status: "probing", startedMs: 1, ejectionMs: 1 }, false, false],
  [{ status: "draining" }, false, false],
  [{ status: "healthy", joinedMs: 0, ejectionMs: 0 }, true, false],
] as const)("%j with failing checks %s is available: %s", (health, failsChecks, isAvailable) => {
  const one = endpoint();
  one.health = health;
  one.failsChecks = failsChecks;
  expect(one.isAvailable).toBe(isAvailable);
});

test("has proven itself by a success since then, while it is in rotation", () => {
  const one = endpoint();
  expect(one.hasProvenItself(0)).toBe(false);
  one.answeredIn(4, 100);
  expect([one.hasProvenItself(100), one.hasProvenItself(101)]).toEqual([true, false]);
  one.failsChecks = true;
  expect(one.hasProvenItself(100)).toBe(false);
});
