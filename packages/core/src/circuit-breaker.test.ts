import { getEventListeners } from "node:events";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { constantBackoff, exponentialBackoff } from "./backoff.ts";
import {
  CircuitBreaker,
  type CircuitBreakerOptions,
  type CircuitChange,
  CircuitOpenError,
} from "./circuit-breaker.ts";
import { withDeadline } from "./deadline.ts";
import { HeadroomError, isHeadroomError } from "./errors.ts";
import { retry } from "./retry.ts";
import { createManualClock } from "./testing.ts";

function createBreaker(options: Partial<CircuitBreakerOptions> = {}) {
  const clock = createManualClock();
  const changes: string[] = [];
  const breaker = new CircuitBreaker({
    name: "redis",
    backoff: constantBackoff(1000),
    clock,
    onStateChange: ({ from, to }: CircuitChange) => changes.push(`${from} → ${to}`),
    ...options,
  });
  return { breaker, clock, changes };
}

const down = new Error("connect ECONNREFUSED");
const failing = (): Promise<never> => Promise.reject(down);
const working = (): Promise<string> => Promise.resolve("value");

async function fail(breaker: CircuitBreaker, times = 1): Promise<void> {
  for (let i = 0; i < times; i++) await expect(breaker.run(failing)).rejects.toBe(down);
}

/** A breaker whose circuit is open, at 0 ms, for 1000 ms. */
async function createOpenBreaker(options: Partial<CircuitBreakerOptions> = {}) {
  const made = createBreaker(options);
  await fail(made.breaker, 5);
  expect(made.breaker.status).toBe("open");
  return made;
}

describe("closed", () => {
  test("calls go through, and results and errors come back as they are", async () => {
    const { breaker, changes } = createBreaker();
    expect(await breaker.run(working)).toBe("value");
    await fail(breaker);
    expect(breaker.status).toBe("closed");
    expect(changes).toEqual([]);
  });

  test("five failures in a row open it", async () => {
    const { breaker } = createBreaker();
    await fail(breaker, 4);
    expect(breaker.status).toBe("closed");
    await fail(breaker);
    expect(breaker.status).toBe("open");
  });

  test("a success between failures starts the row again", async () => {
    const { breaker } = createBreaker();
    await fail(breaker, 4);
    await breaker.run(working);
    await fail(breaker, 4);
    expect(breaker.status).toBe("closed");
  });

  test("a success rate below a half opens it, though no five failures follow each other", async () => {
    const { breaker } = createBreaker();
    for (let i = 0; i < 6; i++) {
      await breaker.run(working);
      await fail(breaker, 2);
    }
    expect(breaker.status).toBe("closed"); // 18 calls are too few to judge
    await breaker.run(working);
    await fail(breaker);
    expect(breaker.status).toBe("open");
  });

  test("failures that are older than the window do not lower the rate", async () => {
    const { breaker, clock } = createBreaker({ consecutiveFailures: 1000 });
    await fail(breaker, 19);
    await clock.advance(10_000);
    await fail(breaker, 19);
    expect(breaker.status).toBe("closed");
  });

  test("an error that isFailure does not name counts as an answer", async () => {
    const notFound = new HeadroomError("NOT_FOUND", "no such row");
    const { breaker } = createBreaker({ isFailure: (error) => error !== notFound });
    await fail(breaker, 4);
    await expect(breaker.run(() => Promise.reject(notFound))).rejects.toBe(notFound);
    await fail(breaker, 4);
    expect(breaker.status).toBe("closed");
  });

  test("an fn that throws instead of rejecting counts as a failure too", async () => {
    const { breaker } = createBreaker({ consecutiveFailures: 1 });
    const throwing = (): never => {
      throw down;
    };
    await expect(breaker.run(throwing)).rejects.toBe(down);
    expect(breaker.status).toBe("open");
  });
});

describe("fn", () => {
  test("is called without arguments, with a signal and without", async () => {
    const { breaker } = createBreaker();
    const { signal } = new AbortController();
    const load = (...given: unknown[]): Promise<unknown[]> => Promise.resolve(given);
    expect(await breaker.run(load)).toEqual([]);
    expect(await breaker.run(load, { signal })).toEqual([]);
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });

  test("may return a value instead of a promise, with a signal and without", async () => {
    const { breaker } = createBreaker();
    expect(await breaker.run(() => 42)).toBe(42);
    expect(await breaker.run(() => 42, new AbortController())).toBe(42);
  });
});

describe("open", () => {
  test("calls are refused without being made, with the time until the probe", async () => {
    const { breaker, clock } = await createOpenBreaker();
    await clock.advance(300);
    let called = false;
    const error: unknown = await breaker
      .run(async () => {
        called = true;
      })
      .catch((thrown: unknown) => thrown);
    expect(called).toBe(false);
    expect(isHeadroomError(error, "CIRCUIT_OPEN")).toBe(true);
    expect(error).toMatchObject({ circuit: "redis", retryAfterMs: 700, retryable: true });
    expect(String(error)).toMatch(/^CircuitOpenError: circuit "redis" is open/);
    expect(breaker.tryAcquire()).toBeUndefined();
  });

  test("it stays open for longer after each failed probe, and as at first once closed", async () => {
    const backoff = exponentialBackoff({ baseMs: 1000, maxMs: 5000 });
    const { breaker, clock } = await createOpenBreaker({ backoff });
    for (const openMs of [1000, 2000, 4000, 5000, 5000]) {
      await clock.advance(openMs - 1);
      expect(breaker.tryAcquire()).toBeUndefined();
      await clock.advance(1);
      await fail(breaker);
    }
    await clock.advance(5000);
    await breaker.run(working);
    await fail(breaker, 5);
    await clock.advance(1000);
    expect(breaker.tryAcquire()).toBeDefined();
  });

  test("by default it is open for 1 s at least and 30 s at most", async () => {
    const { breaker, clock } = await createOpenBreaker({ backoff: undefined, random: () => 0.999 });
    await clock.advance(999);
    expect(breaker.tryAcquire()).toBeUndefined();
    for (let i = 0; i < 20; i++) {
      await clock.advance(30_000);
      await fail(breaker);
    }
    expect(breaker.status).toBe("open");
  });

  test("results of calls that began before it opened change nothing", async () => {
    const { breaker } = createBreaker();
    const [first, second] = [breaker.tryAcquire(), breaker.tryAcquire()];
    await fail(breaker, 5);
    first?.done("success");
    second?.done("failure");
    expect(breaker.status).toBe("open");
  });

  test("a retry around the breaker waits for the circuit", async () => {
    const { breaker, clock } = await createOpenBreaker();
    const outcome = retry(() => breaker.run(working), { clock, backoff: constantBackoff(10) });
    await clock.advance(1010);
    expect(await outcome).toBe("value");
  });
});

describe("half-open", () => {
  test("one call is the probe and the others are refused", async () => {
    const { breaker, clock } = await createOpenBreaker();
    await clock.advance(1000);
    const probe = breaker.tryAcquire();
    expect(breaker.status).toBe("half-open");
    expect(breaker.tryAcquire()).toBeUndefined();
    const refused = await breaker.run(working).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "CIRCUIT_OPEN", retryAfterMs: 0 });
    probe?.done("success");
    expect(breaker.status).toBe("closed");
  });

  test("a probe that fails opens it again", async () => {
    const { breaker, clock } = await createOpenBreaker();
    await clock.advance(1000);
    await fail(breaker);
    expect(breaker.status).toBe("open");
    expect(breaker.tryAcquire()).toBeUndefined();
  });

  test("a late failure from before is not the probe's", async () => {
    const { breaker, clock } = createBreaker();
    const hanging = breaker.tryAcquire();
    await fail(breaker, 5);
    await clock.advance(1000);
    const probe = breaker.tryAcquire();
    hanging?.done("failure");
    expect(breaker.status).toBe("half-open");
    probe?.done("success");
    expect(breaker.status).toBe("closed");
  });

  test("an abandoned probe gives its place to the next call", async () => {
    const { breaker, clock } = await createOpenBreaker();
    await clock.advance(1000);
    breaker.tryAcquire()?.done("abandoned");
    expect(breaker.status).toBe("half-open");
    expect(await breaker.run(working)).toBe("value");
    expect(breaker.status).toBe("closed");
  });

  test("a probe that never ends is replaced, and its late result is ignored", async () => {
    const { breaker, clock } = await createOpenBreaker({ probeTimeoutMs: 5000 });
    await clock.advance(1000);
    const lost = breaker.tryAcquire();
    await clock.advance(4999);
    expect(breaker.tryAcquire()).toBeUndefined();
    await clock.advance(1);
    const probe = breaker.tryAcquire();
    lost?.done("failure");
    expect(breaker.status).toBe("half-open");
    probe?.done("success");
    expect(breaker.status).toBe("closed");
  });

  test("what failed before it closed does not count afterwards", async () => {
    const { breaker, clock } = createBreaker({ consecutiveFailures: 30, minRequests: 20 });
    await fail(breaker, 20);
    await clock.advance(1000);
    await breaker.run(working);
    await fail(breaker, 19);
    expect(breaker.status).toBe("closed");
  });
});

describe("a caller that gives up", () => {
  const never = (): Promise<never> => new Promise(() => {});

  test("gets its reason at once and is not counted", async () => {
    const { breaker } = createBreaker({ consecutiveFailures: 1 });
    const controller = new AbortController();
    const outcome = expect(breaker.run(never, controller)).rejects.toBe("client gone");
    controller.abort("client gone");
    await outcome;
    expect(breaker.status).toBe("closed");
  });

  test("before the call makes no call, even when the circuit is open", async () => {
    const { breaker } = await createOpenBreaker();
    const signal = AbortSignal.abort("client gone");
    await expect(breaker.run(working, { signal })).rejects.toBe("client gone");
  });

  test("does not wedge the circuit when its call was the probe", async () => {
    const { breaker, clock } = await createOpenBreaker();
    await clock.advance(1000);
    const controller = new AbortController();
    const outcome = expect(breaker.run(never, controller)).rejects.toBe("client gone");
    controller.abort("client gone");
    await outcome;
    expect(await breaker.run(working)).toBe("value");
  });

  test("because of a deadline is a failure, of the signal or inside the call", async () => {
    const { breaker, clock } = createBreaker({ consecutiveFailures: 3 });
    const outside = withDeadline({ timeoutMs: 50, clock }, (signal) =>
      breaker.run(never, { signal }),
    );
    const inside = breaker.run(() => withDeadline({ timeoutMs: 50, clock }, never));
    const outcomes = Promise.allSettled([outside, inside]);
    await clock.advance(50);
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({ reason: { code: "DEADLINE_EXCEEDED" } });
    }
    expect(breaker.status).toBe("closed");
    const reason = new DOMException("too late", "TimeoutError");
    const controller = new AbortController();
    const third = expect(breaker.run(never, controller)).rejects.toBe(reason);
    controller.abort(reason);
    await third;
    expect(breaker.status).toBe("open");
  });
});

test("a permit counts once, whatever is reported twice", () => {
  const { breaker } = createBreaker({ consecutiveFailures: 2 });
  const permit = breaker.tryAcquire();
  permit?.done("failure");
  permit?.done("failure");
  expect(breaker.status).toBe("closed");
});

test("a permit refuses an outcome that is none, and still waits for one", () => {
  const { breaker } = createBreaker({ consecutiveFailures: 1 });
  const permit = breaker.tryAcquire();
  expect(() => permit?.done("succes" as never)).toThrow(
    "outcome must be one of success, failure, abandoned, got succes",
  );
  expect(breaker.status).toBe("closed");
  permit?.done("failure");
  expect(breaker.status).toBe("open");
});

test("the name of a circuit shows no credentials on its error", () => {
  expect(new CircuitOpenError("redis://:hunter2@cache-1", 5).circuit).toBe("redis://***@cache-1");
});

test("each change is told once, when it is done", async () => {
  const seen: string[] = [];
  const { breaker, clock, changes } = createBreaker({ consecutiveFailures: 1 });
  const watched = new CircuitBreaker({
    name: "watched",
    consecutiveFailures: 1,
    onStateChange: ({ to }) => seen.push(`${to} is ${watched.status}`),
  });
  await fail(watched);
  expect(seen).toEqual(["open is open"]);

  await fail(breaker);
  await clock.advance(1000);
  breaker.tryAcquire()?.done("abandoned");
  await fail(breaker);
  await clock.advance(1000);
  await breaker.run(working);
  expect(changes).toEqual([
    "closed → open",
    "open → half-open",
    "half-open → open",
    "open → half-open",
    "half-open → closed",
  ]);
});

test("whatever the order in which calls end, one probe at most is under way", async () => {
  const step = fc.record({
    waitMs: fc.constantFrom(0, 0, 1, 500, 1000),
    calls: fc.integer({ min: 0, max: 8 }),
    ends: fc.integer({ min: 0, max: 8 }),
    fails: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.array(step, { maxLength: 25 }),
      async (scheduler, steps) => {
        let status = "closed";
        const options: Partial<CircuitBreakerOptions> = {
          probeTimeoutMs: 1e6,
          onStateChange: ({ from, to }) => {
            expect(from).toBe(status);
            expect(to).not.toBe(from);
            status = to;
          },
        };
        const { breaker, clock } = createBreaker(options);
        let probes = 0;
        const runs: Promise<unknown>[] = [];
        for (const { waitMs, calls, ends, fails } of steps) {
          await clock.advance(waitMs);
          for (let call = 0; call < calls; call++) {
            const fn = async (): Promise<void> => {
              // A call that is let through when the circuit is not closed is a probe.
              const isProbe = status !== "closed";
              if (isProbe) probes++;
              expect(probes).toBeLessThanOrEqual(1);
              await scheduler.schedule(Promise.resolve());
              if (isProbe) probes--;
              if (fails) throw down;
            };
            runs.push(breaker.run(fn).catch((error: unknown) => error));
          }
          for (let end = 0; end < ends && scheduler.count() > 0; end++) await scheduler.waitOne();
        }
        await scheduler.waitIdle();
        for (const error of await Promise.all(runs)) {
          // Also an expectation above that failed within `fn` would be among these.
          if (!(error instanceof CircuitOpenError)) expect([undefined, down]).toContain(error);
        }
        expect(probes).toBe(0);
        // However it went, a dependency that is up again is soon called again.
        await clock.advance(1000);
        expect(await breaker.run(working)).toBe("value");
        expect(breaker.status).toBe("closed");
      },
    ),
    { numRuns: 200 },
  );
});
