import { seededRandom } from "@headroom/core/random";
import { createManualClock } from "@headroom/core/testing";
import { describe, expect, test } from "vitest";
import { type ActiveCheckOptions, type ActiveCheckOwner, ActiveChecks } from "./active-check.ts";

type Check = ActiveCheckOptions<string>["check"];
const fit: Check = async () => {};
const unfit: Check = async () => false;
const hangs: Check = () => new Promise(() => {});

/** Checks of targets that are their own ids, on a clock that the test moves; no jitter by default. */
function start(
  options: Partial<ActiveCheckOptions<string>> = {},
  owner: Partial<ActiveCheckOwner> = {},
) {
  const clock = createManualClock();
  const state = { check: options.check ?? fit };
  const checkedMs: number[] = [];
  const results: boolean[] = [];
  const causes: unknown[] = [];
  const checks = new ActiveChecks<string>(
    {
      ...options,
      check: (target, signal) => {
        checkedMs.push(clock.monotonicNow());
        return state.check(target, signal);
      },
    },
    {
      clock,
      // First check at 0.5 s, second half an interval later, then one each interval.
      random: () => 0.5,
      onResult: (_id, isFit, cause) => {
        results.push(isFit);
        causes.push(cause);
      },
      ...owner,
    },
  );
  return { checks, clock, checkedMs, results, causes, state };
}

describe("when a target is checked", () => {
  test("first within a second, then after part of an interval, then once an interval", async () => {
    const { checks, clock, checkedMs } = start();
    checks.add("a", "a");
    await clock.advance(30_000);
    expect(checkedMs).toEqual([500, 5_500, 15_500, 25_500]);
  });

  test("the first check of a short interval comes within it", async () => {
    const { checks, clock, checkedMs } = start({ intervalMs: 100 });
    checks.add("a", "a");
    await clock.advance(100);
    expect(checkedMs).toEqual([50, 100]);
  });

  test("the time that a check takes does not make the intervals longer", async () => {
    const { checks, clock, checkedMs } = start({ check: () => clock.sleep(1_000) });
    checks.add("a", "a");
    await clock.advance(26_000);
    expect(checkedMs).toEqual([500, 5_500, 15_500, 25_500]);
  });

  test("intervals differ by a tenth, and a thousand processes check at a steady rate", async () => {
    const seed = 4_711;
    const random = seededRandom(seed);
    const { checks, clock, checkedMs } = start({}, { random });
    for (let i = 0; i < 1_000; i++) checks.add(`${i}`, `${i}`);
    await clock.advance(40_000);
    const perSecond = Array.from({ length: 40 }, () => 0);
    for (const ms of checkedMs)
      perSecond[Math.floor(ms / 1_000)] = (perSecond[Math.floor(ms / 1_000)] ?? 0) + 1;
    // The first checks come at once; afterwards a second has about 100 of 1,000 in 10 s.
    expect(perSecond[0], `seed ${seed}`).toBeGreaterThanOrEqual(1_000);
    const later = perSecond.slice(12);
    expect(Math.max(...later), `seed ${seed}`).toBeLessThan(170);
    expect(Math.min(...later), `seed ${seed}`).toBeGreaterThan(50);
  });
});

describe("a target whose requests succeed", () => {
  test("is checked less often, and as often as before when they end", async () => {
    let lastSuccessMs = 0;
    const asked: [string, number][] = [];
    const { checks, clock, checkedMs } = start(
      {},
      {
        isProven: (id, sinceMs) => {
          asked.push([id, sinceMs]);
          return lastSuccessMs >= sinceMs;
        },
      },
    );
    checks.add("a", "a");
    lastSuccessMs = Number.POSITIVE_INFINITY;
    await clock.advance(130_000);
    expect(checkedMs).toEqual([500, 65_500, 125_500]);
    expect(asked.slice(0, 2)).toEqual([
      ["a", 500],
      ["a", 5_500],
    ]);
    // The last success falls between the ticks at 135.5 s and 145.5 s.
    lastSuccessMs = 140_000;
    await clock.advance(40_000);
    expect(checkedMs.slice(3)).toEqual([155_500, 165_500]);
  });

  test("is checked as ever once a check fails, until one succeeds again", async () => {
    const { checks, clock, checkedMs, state, results } = start({}, { isProven: () => true });
    checks.add("a", "a");
    await clock.advance(60_000);
    state.check = unfit;
    await clock.advance(40_000);
    // The check that is due at 65.5 s fails, and so the next ones come at the usual interval.
    expect(checkedMs).toEqual([500, 65_500, 75_500, 85_500, 95_500]);
    expect(results).toEqual([true, false, false]);
    state.check = fit;
    await clock.advance(80_000);
    expect(checkedMs.slice(5)).toEqual([105_500, 115_500, 175_500]);
  });
});

describe("what the checks amount to", () => {
  test("is unfit after three failures in a row, and fit again after two successes", async () => {
    const answers = "+--+---+-++-+".split("");
    const { checks, clock, results } = start({
      intervalMs: 1_000,
      check: async () => answers.shift() === "+",
    });
    checks.add("a", "a");
    await clock.advance(13_000);
    //                        +     --+   ---   +-+ +   -+
    expect(results).toEqual([true, true, false, false, true, true]);
  });

  test("has the thresholds that it is given", async () => {
    const { checks, clock, results, state } = start({
      check: unfit,
      intervalMs: 1_000,
      unhealthyThreshold: 1,
      healthyThreshold: 3,
    });
    checks.add("a", "a");
    await clock.advance(500);
    expect(results).toEqual([false]);
    state.check = fit;
    await clock.advance(1_500);
    expect(results).toEqual([false]);
    await clock.advance(1_000);
    expect(results).toEqual([false, true]);
  });

  const down = new Error("down");
  const failures: [what: string, check: Check, cause: unknown][] = [
    ["answers false", unfit, undefined],
    ["rejects", async () => Promise.reject(down), down],
    [
      "throws",
      () => {
        throw down;
      },
      down,
    ],
    ["takes too long", hangs, expect.objectContaining({ code: "DEADLINE_EXCEEDED" })],
  ];
  test.each(failures)("counts a check that %s as a failure", async (_what, check, cause) => {
    const { checks, clock, results, causes } = start({ check, unhealthyThreshold: 1 });
    checks.add("a", "a");
    await clock.advance(2_500);
    expect(results).toEqual([false]);
    expect(causes).toEqual([cause]);
  });

  test("is told of each target by itself", async () => {
    const seen: [string, boolean][] = [];
    const { checks, clock } = start(
      { check: async (target) => target === "a", unhealthyThreshold: 1 },
      { onResult: (id, isFit) => void seen.push([id, isFit]) },
    );
    checks.add("id of a", "a");
    checks.add("id of b", "b");
    await clock.advance(500);
    expect(seen).toEqual([
      ["id of a", true],
      ["id of b", false],
    ]);
  });
});

describe("a check that hangs", () => {
  test("is aborted, and its late answer is dropped", async () => {
    const answers: ((isFit: boolean) => void)[] = [];
    const signals: AbortSignal[] = [];
    const { checks, clock, results } = start({
      unhealthyThreshold: 1,
      check: (_target, signal) => {
        signals.push(signal);
        return new Promise<boolean>((resolve) => answers.push(resolve));
      },
    });
    checks.add("a", "a");
    await clock.advance(2_499);
    expect(signals[0]?.aborted).toBe(false);
    await clock.advance(1);
    expect(signals[0]?.aborted).toBe(true);
    expect(results).toEqual([false]);
    answers[0]?.(true);
    await clock.advance(0);
    expect(results).toEqual([false]);
  });

  test("keeps others from piling up on it, yet not for ever", async () => {
    const { checks, clock, checkedMs, results } = start({ check: hangs });
    checks.add("a", "a");
    await clock.advance(70_000);
    // One each 30 s; every check in between fails unasked.
    expect(checkedMs).toEqual([500, 35_500, 65_500]);
    expect(results).toEqual(Array.from({ length: 6 }, () => false));
  });

  test("lets the next one through as soon as it settles", async () => {
    const answers: (() => void)[] = [];
    const { checks, clock, checkedMs, causes, state } = start({
      unhealthyThreshold: 1,
      check: () => new Promise<void>((resolve) => answers.push(resolve)),
    });
    checks.add("a", "a");
    await clock.advance(6_000);
    expect(checkedMs).toEqual([500]);
    expect(causes[1]).toEqual(new Error("an earlier check of a still hangs"));
    state.check = fit;
    answers[0]?.();
    await clock.advance(10_000);
    expect(checkedMs).toEqual([500, 15_500]);
  });

  test("that settles after another was started does not let a third one on top of it", async () => {
    const answers: (() => void)[] = [];
    const { checks, clock, checkedMs } = start({
      check: () => new Promise<void>((resolve) => answers.push(resolve)),
    });
    checks.add("a", "a");
    await clock.advance(36_000);
    expect(checkedMs).toEqual([500, 35_500]);
    answers[0]?.();
    await clock.advance(20_000);
    expect(checkedMs).toEqual([500, 35_500]);
  });

  test("never runs beside another of the same target, however long each takes", async () => {
    const seed = 99;
    const random = seededRandom(seed);
    let running = 0;
    let most = 0;
    const { checks, clock } = start(
      {
        intervalMs: 1_000,
        timeoutMs: 3_000,
        jitter: 1,
        check: async () => {
          running++;
          most = Math.max(most, running);
          await clock.sleep(random() * 8_000);
          running--;
        },
      },
      { random },
    );
    checks.add("a", "a");
    await clock.advance(600_000);
    expect(most, `seed ${seed}`).toBe(1);
  });
});

test("a timeout that comes late, because this process stood still, says nothing", async () => {
  const manual = createManualClock();
  let standstillMs = 0;
  const clock = { ...manual, monotonicNow: () => manual.monotonicNow() + standstillMs };
  const { checks, results, state } = start({ check: hangs, unhealthyThreshold: 1 }, { clock });
  checks.add("a", "a");
  await manual.advance(1_000);
  standstillMs = 300;
  await manual.advance(1_500);
  expect(results).toEqual([]);
  state.check = unfit;
  standstillMs = 100_000;
  await manual.advance(20_000);
  expect(results[0]).toBe(false);
});

describe("when it ends", () => {
  test("a target that leaves is not checked any more, and its check under way is aborted", async () => {
    let signal: AbortSignal | undefined;
    const { checks, clock, checkedMs, results } = start({
      unhealthyThreshold: 1,
      check: (_target, given) => {
        signal = given;
        return new Promise((_resolve, reject) => given.addEventListener("abort", reject));
      },
    });
    checks.add("a", "a");
    await clock.advance(1_000);
    checks.remove("a");
    checks.remove("a");
    expect(signal?.aborted).toBe(true);
    await clock.advance(100_000);
    expect(checkedMs).toEqual([500]);
    expect(results).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  test("a target that comes back begins anew, and nothing old is counted for it", async () => {
    const { checks, clock, results } = start({ check: unfit, intervalMs: 1_000 });
    checks.add("a", "a");
    await clock.advance(1_000);
    checks.add("a", "a");
    await clock.advance(1_000);
    // Two failures each time: not yet three in a row.
    expect(results).toEqual([]);
    await clock.advance(1_000);
    expect(results).toEqual([false]);
  });

  test("close ends everything, twice as well as once, and nothing can be added", async () => {
    const { checks, clock, checkedMs } = start();
    for (const id of ["a", "b", "c"]) checks.add(id, id);
    await clock.advance(100);
    checks.close();
    checks.close();
    checks.add("d", "d");
    expect(clock.pending).toBe(0);
    await clock.advance(100_000);
    expect(checkedMs).toEqual([]);
  });
});
