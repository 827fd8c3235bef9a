import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  requireBoolean,
  requireClock,
  requireCount,
  requireFunction,
  requireKnownOptions,
  requireMethods,
  requireNonNegative,
  requireOneOf,
  requirePositive,
  requireRatio,
  requireSignal,
  requireText,
} from "./options.ts";
import { createManualClock } from "./testing.ts";

describe("a number option", () => {
  test("is given back when it keeps the rule", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(requireNonNegative("lagMs", value)).toBe(value);
        if (value > 0) expect(requirePositive("ttlMs", value)).toBe(value);
        if (value <= 1) expect(requireRatio("jitter", value)).toBe(value);
      }),
    );
    expect(requireCount("attempts", 3)).toBe(3);
    expect(requireCount("retries", 0, { min: 0 })).toBe(0);
  });

  test.each([
    [
      () => requirePositive("decayMs", -1),
      "decayMs must be a positive number of milliseconds, got -1",
    ],
    [
      () => requirePositive("decayMs", 0),
      "decayMs must be a positive number of milliseconds, got 0",
    ],
    [() => requirePositive("weight", Number.NaN), "weight must be a positive number, got NaN"],
    [
      () => requirePositive("ttlMs", 1 / 0),
      "ttlMs must be a positive number of milliseconds, got Infinity",
    ],
    [
      () => requireNonNegative("maxBytes", -2),
      "maxBytes must be a non-negative number of bytes, got -2",
    ],
    [() => requireCount("attempts", 0), "attempts must be an integer of at least 1, got 0"],
    [() => requireCount("attempts", 1.5), "attempts must be an integer of at least 1, got 1.5"],
    [
      () => requireCount("retries", -1, { min: 0 }),
      "retries must be an integer of at least 0, got -1",
    ],
    [() => requireRatio("jitter", 1.1), "jitter must be a number from 0 to 1, got 1.1"],
    [() => requireRatio("jitter", Number.NaN), "jitter must be a number from 0 to 1, got NaN"],
  ])("out of range is a RangeError with name, rule and value: %#", (check, message) => {
    expect(check).toThrow(new RangeError(message));
  });

  test.each([
    ["500", '"500"'],
    ["postgres://app:hunter2@db/shop", "a string of 30 characters"],
    [null, "null"],
    [undefined, "undefined"],
    [true, "true"],
    [5n, "5"],
    [{ password: "hunter2" }, "an object"],
    [["hunter2"], "an array"],
    [() => "hunter2", "a function"],
    [Symbol("hunter2"), "a symbol"],
  ])("of another type is a TypeError that shows no secret: %#", (value, shown) => {
    for (const check of [requirePositive, requireNonNegative, requireCount, requireRatio]) {
      expect(() => check("option", value)).toThrow(TypeError);
      expect(() => check("option", value)).toThrow(new RegExp(`^option must be .*, got ${shown}$`));
    }
  });
});

describe("an option that is no number", () => {
  test("is given back when it is what it should be", () => {
    const clock = createManualClock();
    const { signal } = new AbortController();
    const budget = { deposit() {} };
    expect(requireFunction("backoff", fc.sample)).toBe(fc.sample);
    expect(requireText("what", "the query")).toBe("the query");
    expect(requireBoolean("unlogged", false)).toBe(false);
    expect(requireOneOf("load", "lazy", ["lazy", "eager"])).toBe("lazy");
    expect(requireClock("clock", clock)).toBe(clock);
    expect(requireSignal("signal", signal)).toBe(signal);
    expect(requireSignal("signal", undefined)).toBeUndefined();
    expect(requireMethods("budget", budget, ["deposit"])).toBe(budget);
  });

  test.each([
    [() => requireFunction("backoff", 100 as never), "backoff must be a function, got 100"],
    [() => requireFunction("random", null as never), "random must be a function, got null"],
    [() => requireBoolean("unlogged", 1 as never), "unlogged must be true or false, got 1"],
    [
      () => requireOneOf("load", "soon" as never, ["lazy", "eager"]),
      'load must be one of lazy, eager, got "soon"',
    ],
    [() => requireText("name", ""), 'name must be a non-empty string, got ""'],
    [() => requireText("what", {} as never), "what must be a non-empty string, got an object"],
    [
      () => requireClock("clock", { now: Date.now } as never),
      "clock must be an object with now, monotonicNow, timer, sleep, got an object",
    ],
    [
      () => requireClock("clock", null as never),
      "clock must be an object with now, monotonicNow, timer, sleep, got null",
    ],
    [
      () => requireSignal("signal", new AbortController() as never),
      "signal must be an AbortSignal, got an object",
    ],
    [() => requireSignal("signal", null as never), "signal must be an AbortSignal, got null"],
    [
      () => requireMethods("budget", 5 as never, ["deposit"] as never),
      "budget must be an object with deposit, got 5",
    ],
  ])("of another type is a TypeError with name, rule and value: %#", (check, message) => {
    expect(check).toThrow(new TypeError(message));
  });
});

describe("an options object", () => {
  const known = ["timeoutMs", "signal", "maxConnections", "clock"];
  const check = (options: object): void => requireKnownOptions("createPool", options, known);

  test("passes when all of its names are known, whatever their values", () => {
    check({});
    check({ timeoutMs: 5, clock: undefined });
    check(Object.create({ inherited: true }));
  });

  test.each([
    ["timeout", "timeoutMs"],
    ["timeoutMS", "timeoutMs"],
    ["timeOutMs", "timeoutMs"],
    ["singal", "signal"],
    ["connections", "maxConnections"],
    ["max_connections", "maxConnections"],
    ["clocks", "clock"],
  ])("with %s is refused, and %s suggested", (wrong, right) => {
    expect(() => check({ [wrong]: 1 })).toThrow(
      new TypeError(`createPool: unknown option "${wrong}", did you mean "${right}"?`),
    );
  });

  test("with a name that is like no other is refused with the list of names", () => {
    expect(() => check({ retries: 1 })).toThrow(
      'createPool: unknown option "retries", options are timeoutMs, signal, maxConnections, clock',
    );
  });

  test("must be an object", () => {
    for (const value of [null, undefined, 5, "timeoutMs", []]) {
      expect(() => check(value as unknown as object)).toThrow(TypeError);
    }
    expect(() => check(5 as unknown as object)).toThrow(
      "createPool: options must be an object, got 5",
    );
  });

  test("is suggested a name for any slip of the finger", () => {
    const slips = fc.constantFrom(...known).chain((name) =>
      fc.record({
        name: fc.constant(name),
        at: fc.nat(name.length - 1),
        kind: fc.constantFrom("left out", "doubled", "wrong"),
      }),
    );
    fc.assert(
      fc.property(slips, ({ name, at, kind }) => {
        const typed =
          kind === "left out" ? "" : kind === "doubled" ? name.charAt(at).repeat(2) : "_";
        const slip = name.slice(0, at) + typed + name.slice(at + 1);
        expect(() => check({ [slip]: 1 })).toThrow(`did you mean "${name}"?`);
      }),
    );
  });
});
