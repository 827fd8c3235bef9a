import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { handMadeHistory } from "./checkers/hand-made-history.ts";
import type { Outcome } from "./operation.ts";
import { recoveryMs, summarize } from "./summary.ts";

const ended = (endMs: number, outcome: Outcome = "ok") => ({
  kind: "write",
  at: [endMs - 0.5, endMs] as const,
  outcome,
});

describe("the summary of a history", () => {
  test("counts outcomes, and takes the times of what was acknowledged", () => {
    const history = handMadeHistory([
      { kind: "write", at: [0, 2] },
      { kind: "write", at: [3, 7] },
      { kind: "write", at: [8, 1000], outcome: "unknown" },
      { kind: "write", at: [999, 1001], outcome: "failed" },
    ]);
    expect(summarize(history)).toMatchObject({
      acked: 2,
      failed: 1,
      unknown: 1,
      p50Ms: 2,
      p99Ms: 4,
      durationMs: 1001,
      reasons: { unknown: 1, failed: 1 },
    });
  });

  test("is one line for people", () => {
    const history = handMadeHistory([ended(500), ended(1999.5), ended(1000, "failed")]);
    expect(summarize(history, { kind: "write", seed: 3 }).line).toBe(
      "write: acked 2, failed 1, unknown 0, p50 0.5 ms, p99 0.5 ms, 1/s for 1.5 s, seed 3 (failed 1)",
    );
  });

  test("names the most frequent errors first and does not list them without end", () => {
    const times = Array.from({ length: 9 }, (_, index) => index);
    const history = handMadeHistory(times.map((one) => ended(one + 1, "failed"))).map(
      (operation, index) => ({
        ...operation,
        outcome: "failed" as const,
        error: new Error(index < 2 ? "twice" : `once ${index}`),
      }),
    );
    const { line } = summarize(history);
    expect(line).toContain("(twice 2, once 2 1, once 3 1, once 4 1, once 5 1, 3 more)");
  });

  test("of nothing has no times", () => {
    expect(summarize([])).toMatchObject({ acked: 0, p50Ms: undefined, perSecond: 0, reasons: {} });
    expect(summarize([]).line).toBe("acked 0, failed 0, unknown 0, p50 -, p99 -, 0/s for 0.0 s");
  });
});

describe("recovery", () => {
  test("is the longest time without an acknowledgement since the fault", () => {
    const history = handMadeHistory([
      ended(1),
      ended(90),
      ended(101),
      ended(140, "failed"),
      ended(170),
      ended(175),
    ]);
    expect(recoveryMs(history, 100)).toBe(69);
  });

  test("counts the time from the fault to the first acknowledgement", () => {
    expect(recoveryMs(handMadeHistory([ended(99), ended(150), ended(151)]), 100)).toBe(50);
  });

  test("is infinite when nothing was acknowledged any more", () => {
    expect(recoveryMs(handMadeHistory([ended(99), ended(500, "failed")]), 100)).toBe(
      Number.POSITIVE_INFINITY,
    );
  });

  test("does not call a service recovered that answered once and then died", () => {
    const history = handMadeHistory([ended(101), ended(200, "failed"), ended(900, "unknown")]);
    expect(recoveryMs(history, 100)).toBe(799);
  });

  test("is never shorter than any gap between two acknowledgements after the fault", () => {
    const times = fc.uniqueArray(fc.integer({ min: 1, max: 1000 }), {
      minLength: 2,
      maxLength: 40,
    });
    fc.assert(
      fc.property(times, fc.integer({ min: 0, max: 500 }), (found, sinceMs) => {
        const sorted = found.filter((ms) => ms > sinceMs).sort((a, b) => a - b);
        fc.pre(sorted.length > 0);
        const gaps = sorted.map((ms, index) => ms - (sorted[index - 1] ?? sinceMs));
        expect(recoveryMs(handMadeHistory(found.map((ms) => ended(ms))), sinceMs)).toBe(
          Math.max(...gaps),
        );
      }),
    );
  });
});
