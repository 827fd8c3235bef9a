import fc from "fast-check";
import { expect, test } from "vitest";
import { MEMORY_CAPABILITIES } from "../memory/supported.ts";
import { type ModelStep, modelSteps } from "./model-script.ts";

const script = Array.from({ length: 3_000 }, (_, at) => [at, at * 7] as const);
const all = { caps: MEMORY_CAPABILITIES, timed: true };

function kinds(steps: readonly ModelStep[]): string[] {
  return [...new Set(steps.map(({ kind }) => kind))].sort();
}

test("every kind of step is made, and the same numbers make the same steps", () => {
  const steps = modelSteps(script, all);
  expect(kinds(steps)).toEqual(
    [
      ...["advance", "cancel", "claim", "enqueue", "extend", "hold", "pause", "purge"],
      ...["redrive", "report", "settle", "sweep"],
    ].sort(),
  );
  expect(modelSteps(script, all)).toEqual(steps);
});

test("what a driver cannot do is left out", () => {
  const caps = {
    ...MEMORY_CAPABILITIES,
    ...{ admin: false, flows: false, extend: false, keys: false, dedup: false },
    ...{ delayMs: 0, priorities: 1 },
  };
  const steps = modelSteps(script, { caps, timed: false });
  expect(kinds(steps)).toEqual(["claim", "enqueue", "settle", "sweep"]);
  for (const step of steps) {
    if (step.kind !== "enqueue") continue;
    for (const job of step.jobs) {
      expect(job).toMatchObject({ key: undefined, dedup: undefined, priority: 0, delayMs: 0 });
    }
  }
});

test("where no time passes, a delay is none or outlasts every run", () => {
  const numbers = fc.array(fc.tuple(fc.nat(), fc.nat()));
  fc.assert(
    fc.property(numbers, (drawn) => {
      for (const step of modelSteps(drawn, { ...all, timed: false })) {
        const delays = step.kind === "enqueue" ? step.jobs.map(({ delayMs }) => delayMs) : [];
        for (const ms of delays) expect(ms === 0 || ms > 1e9).toBe(true);
      }
    }),
  );
});
