import { systemClock } from "@headroom/core/clock";
import { DeadlineExceededError } from "@headroom/core/deadline";
import { describe, expect, test } from "vitest";
import type { BalancerRetryOptions } from "./balancer-options.ts";
import { ConnectError, NoFreeConnectionError } from "./connection-errors.ts";
import type { Outcome } from "./outcome.ts";
import { type PooledOptions, pooledRules } from "./pooled-options.ts";

const create = async (): Promise<object> => ({});
const destroy = (): void => {};
const given = { targets: [], create, destroy };

/** The `retry` that the balancer gets. */
function retryOf(options: Partial<PooledOptions<string, object>>): BalancerRetryOptions {
  const { retry } = pooledRules({ ...given, ...options }).balancer;
  if (typeof retry !== "object") throw new Error("no options of retry");
  return retry;
}

function outcomeOf(error: unknown, options: Partial<PooledOptions<string, object>> = {}): Outcome {
  const outcome = retryOf(options).classify?.(error);
  if (outcome === undefined) throw new Error("nothing classifies");
  return outcome;
}

const failed = { type: "failure", kind: "failed" };

describe("options of pooled", () => {
  test("are shared out between the pools and the balancer", () => {
    const { name, clock, pool, balancer } = pooledRules({ ...given, max: 3, zone: "a" });
    expect(name).toBe("default");
    expect(clock).toBe(systemClock);
    expect(pool).toMatchObject({ create, destroy, max: 3, min: 0 });
    expect(balancer).toEqual({
      zone: "a",
      check: undefined,
      retry: { classify: expect.any(Function) },
    });
  });

  const wrong: [options: object, message: RegExp][] = [
    [{ targets: [], create }, /destroy must be a function/],
    [{ ...given, validat: create }, /pooled: .* did you mean "validate"/],
    [{ ...given, polcy: "random" }, /pooled: .* did you mean "policy"/],
    [{ ...given, onLeft: destroy }, /pooled: unknown option "onLeft"/],
    [{ ...given, name: "" }, /name must be a non-empty string/],
    [{ ...given, clock: 5 }, /clock must be an object/],
    [{ ...given, check: {} }, /check must be a function/],
    [{ ...given, max: 0 }, /max must be an integer/],
  ];
  test.each(wrong)("%o are refused", (options, message) => {
    expect(() => pooledRules(options as PooledOptions<string, object>)).toThrow(message);
  });
});

describe("what failed work says about its target", () => {
  test("is that it refused when there was no connection, so that others are tried", () => {
    expect(outcomeOf(new ConnectError("a", "b", 0))).toEqual({ type: "failure", kind: "refused" });
  });

  test("is nothing when all connections were in use", () => {
    expect(outcomeOf(new NoFreeConnectionError("a", "b", 1, 0))).toEqual({ type: "abandoned" });
  });

  test("is that it failed, unless isBroken knows that it has answered", () => {
    const isBroken = (error: unknown): boolean => error !== "550 no such user";
    expect(outcomeOf("any error")).toEqual(failed);
    expect(outcomeOf("421 closing", { isBroken })).toEqual(failed);
    expect(outcomeOf("550 no such user", { isBroken })).toEqual({ type: "success" });
  });

  test("is that it failed when it took too long, whatever isBroken makes of that", () => {
    const error = new DeadlineExceededError("target a", 100);
    expect(outcomeOf(error, { isBroken: () => false })).toEqual(failed);
  });

  test("is what classify says, but for connections that were not there", () => {
    const retry = { attempts: 2, classify: (): Outcome => ({ type: "throttled" }) };
    expect(outcomeOf("421 slow down", { retry })).toEqual({ type: "throttled" });
    expect(outcomeOf(new ConnectError("a", "b", 0), { retry })).toMatchObject({ kind: "refused" });
    expect(retryOf({ retry }).attempts).toBe(2);
  });

  test("matters also when nothing is tried again", () => {
    expect(retryOf({ retry: false }).attempts).toBe(1);
    expect(outcomeOf("any error", { retry: false })).toEqual(failed);
  });
});
