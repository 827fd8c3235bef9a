import { createManualClock } from "@headroom/core/testing";
import { describe, expect, test } from "vitest";
import { type ActiveCheckOptions, activeCheckRules } from "./active-check-options.ts";

const check = async (): Promise<void> => {};
const owner = { clock: createManualClock(), random: () => 0, onResult: () => {} };

describe("options of active checks", () => {
  test("have the defaults that are written at them", () => {
    expect(activeCheckRules({ check }, owner)).toMatchObject({
      intervalMs: 10_000,
      healthyIntervalMs: 60_000,
      timeoutMs: 2_000,
      jitter: 0.1,
      unhealthyThreshold: 3,
      healthyThreshold: 2,
    });
    expect(activeCheckRules({ check }, owner).isProven("a", 0)).toBe(false);
  });

  test("follow an interval that is shorter or longer than they are", () => {
    expect(activeCheckRules({ check, intervalMs: 500 }, owner).timeoutMs).toBe(500);
    expect(activeCheckRules({ check, intervalMs: 90_000 }, owner).healthyIntervalMs).toBe(90_000);
  });

  const wrong: [options: object, message: RegExp][] = [
    [{}, /check must be a function/],
    [{ check, interval: 5 }, /check: unknown option "interval", did you mean "intervalMs"/],
    [{ check, intervalMs: 0 }, /intervalMs must be a positive/],
    [
      { check, healthyIntervalMs: 5_000 },
      /healthyIntervalMs must be at least intervalMs \(10000\)/,
    ],
    [{ check, jitter: 2 }, /jitter must be a number from 0 to 1/],
    [{ check, timeoutMs: -1 }, /timeoutMs/],
    [{ check, unhealthyThreshold: 0 }, /unhealthyThreshold must be an integer of at least 1/],
    [{ check, healthyThreshold: 1.5 }, /healthyThreshold/],
  ];
  test.each(wrong)("%o are refused", (options, message) => {
    expect(() => activeCheckRules(options as ActiveCheckOptions<string>, owner)).toThrow(message);
  });
});
