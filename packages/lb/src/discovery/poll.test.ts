import { constantBackoff, decorrelatedJitterBackoff } from "@headroom/core/backoff";
import { seededRandom } from "@headroom/core/random";
import { createManualClock } from "@headroom/core/testing";
import { describe, expect, test } from "vitest";
import { followDiscovery } from "../discovery.ts";
import type { TargetOptions } from "../target.ts";
import { type Ask, type PollRules, poll } from "./poll.ts";

const list: readonly TargetOptions<string>[] = [{ id: "a", target: "http://a" }];

/** Follows a poll, and notes when it asked and what it told. */
function start(answer: Ask<string>, rules: Partial<PollRules> = {}) {
  const clock = createManualClock();
  const ended = new AbortController();
  const askedMs: number[] = [];
  const told: unknown[] = [];
  const discovery = poll(
    () => (signal) => {
      askedMs.push(clock.monotonicNow());
      return answer(signal);
    },
    {
      what: "asking",
      timeoutMs: 5_000,
      backoff: constantBackoff(300),
      clock,
      random: () => 0,
      ...rules,
    },
  );
  const listener = {
    targets: (targets: readonly TargetOptions<string>[]) => void told.push(targets.length),
    failed: (error: unknown) => void told.push(error),
  };
  const done = followDiscovery(discovery, listener, { signal: ended.signal, clock });
  return { clock, askedMs, told, done, end: () => ended.abort() };
}

const valid = (validMs: number) => async () => ({ targets: list, validMs, failures: [] });

describe("a question", () => {
  test("is asked again when its answer no longer holds", async () => {
    const { clock, askedMs, told } = start(valid(2_000));
    await clock.advance(6_000);
    expect(askedMs).toEqual([0, 2_000, 4_000, 6_000]);
    expect(told).toEqual([1, 1, 1, 1]);
  });

  test("is asked up to a tenth earlier, so that a thousand processes do not ask together", async () => {
    const seed = 20_260_101;
    const random = seededRandom(seed);
    const { clock, askedMs } = start(valid(10_000), { random });
    await clock.advance(1_000_000);
    const waits = askedMs.slice(1).map((ms, i) => ms - (askedMs[i] ?? 0));
    expect(Math.min(...waits), `seed ${seed}`).toBeGreaterThan(9_000);
    expect(Math.min(...waits), `seed ${seed}`).toBeLessThan(9_150);
    expect(Math.max(...waits), `seed ${seed}`).toBeGreaterThan(9_850);
    expect(Math.max(...waits), `seed ${seed}`).toBeLessThanOrEqual(10_000);
  });

  test("whose answer holds for ever is asked once", async () => {
    const { askedMs, clock, done } = start(valid(Number.POSITIVE_INFINITY));
    await done;
    expect(askedMs).toEqual([0]);
    expect(clock.pending).toBe(0);
  });

  test("that fails is reported and asked again after growing waits, then as before", async () => {
    const down = new Error("down");
    let failures = 4;
    const { clock, askedMs, told } = start(
      async () => {
        if (failures-- > 0) throw down;
        return { targets: list, validMs: 10_000, failures: [] };
      },
      { backoff: decorrelatedJitterBackoff({ baseMs: 100, maxMs: 700 }), random: () => 1 },
    );
    await clock.advance(1_999);
    expect(askedMs).toEqual([0, 300, 1_000, 1_700]);
    await clock.advance(12_000);
    // With `random` 1 every wait has its longest backoff, and its shortest validity.
    expect(askedMs.slice(4)).toEqual([2_400, 11_400]);
    expect(told).toEqual([down, down, down, down, 1, 1]);
  });

  test("that fails again after an answer waits as at first", async () => {
    const answers = [false, false, false, true, false, true];
    const { clock, askedMs } = start(
      async () => {
        if (answers.shift() === false) throw new Error("down");
        return { targets: list, validMs: 5_000, failures: [] };
      },
      { backoff: (attempt, _random, previousMs) => 10 * attempt + previousMs },
    );
    await clock.advance(5_100);
    expect(askedMs).toEqual([0, 10, 40, 100, 5_100]);
    await clock.advance(10);
    expect(askedMs.slice(5)).toEqual([5_110]);
  });

  test("that is answered in part tells both, and is asked again soon", async () => {
    const down = new Error("one of them");
    const failures = [down];
    const { clock, askedMs, told } = start(async () => ({
      targets: list,
      validMs: 10_000,
      failures: failures.splice(0),
    }));
    await clock.advance(5_000);
    expect(told).toEqual([1, down, 1]);
    expect(askedMs).toEqual([0, 300]);
  });

  test("that is answered in part is asked again no later than that part holds", async () => {
    const answer = async () => ({ targets: list, validMs: 100, failures: [new Error("x")] });
    const { clock, askedMs } = start(answer);
    await clock.advance(200);
    expect(askedMs).toEqual([0, 100, 200]);
  });
});

describe("a question without an answer", () => {
  test("fails when its time is over, and what comes later is dropped", async () => {
    const answers: ((list: TargetOptions<string>[]) => void)[] = [];
    const signals: AbortSignal[] = [];
    const { clock, told } = start((signal) => {
      signals.push(signal);
      return new Promise((resolve) => {
        answers.push((targets) => resolve({ targets, validMs: 1_000, failures: [] }));
      });
    });
    await clock.advance(5_000);
    expect(told).toEqual([expect.objectContaining({ code: "DEADLINE_EXCEEDED", what: "asking" })]);
    expect(signals[0]?.aborted).toBe(true);
    answers[0]?.([]);
    await clock.advance(300);
    answers[1]?.([...list]);
    await clock.advance(0);
    expect(told.slice(1)).toEqual([1]);
  });

  test("is let go when nobody follows any more", async () => {
    let signal: AbortSignal | undefined;
    const { clock, told, done, end } = start((given) => {
      signal = given;
      return new Promise(() => {});
    });
    await clock.advance(10);
    end();
    await done;
    expect(signal?.aborted).toBe(true);
    expect(told).toEqual([]);
    expect(clock.pending).toBe(0);
  });
});

test("while it waits to ask again, it ends at once when nobody follows any more", async () => {
  const { clock, done, end } = start(valid(60_000));
  await clock.advance(10);
  expect(clock.pending).toBe(1);
  end();
  await done;
  expect(clock.pending).toBe(0);
});

test("every life of it begins with nothing remembered", async () => {
  const clock = createManualClock();
  let lives = 0;
  const discovery = poll(
    () => {
      lives++;
      return valid(Number.POSITIVE_INFINITY);
    },
    { what: "asking", timeoutMs: 1_000, backoff: constantBackoff(1), clock, random: () => 0 },
  );
  const listener = { targets: () => {}, failed: () => {} };
  const { signal } = new AbortController();
  await followDiscovery(discovery, listener, { signal, clock });
  await followDiscovery(discovery, listener, { signal, clock });
  expect(lives).toBe(2);
});
