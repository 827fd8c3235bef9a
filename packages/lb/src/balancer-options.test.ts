import { expect, test } from "vitest";
import { type BalancerOptions, balancerRules } from "./balancer-options.ts";

const rules = (options: Partial<BalancerOptions<string>> = {}) =>
  balancerRules({ targets: [{ id: "a", target: "A" }], ...options });

test("the defaults are those of the documents", () => {
  expect(rules()).toMatchObject({
    name: "default",
    policy: { name: "p2c-ewma" },
    health: { consecutiveFailures: 5, slowStartMs: 10_000 },
    maxEjectedShare: 0.5,
    panicThreshold: 0.5,
    overprovisioning: 1.4,
    successRate: { windowMs: 10_000, minRequests: 20, stdevFactor: 1.9, minHosts: 5 },
    attempts: 3,
    hedging: undefined,
    decayMs: 10_000,
    initialMs: 1_000,
    failureMs: 5_000,
    maxInFlight: Number.POSITIVE_INFINITY,
    maxQueued: 1_000,
    queueTimeoutMs: 1_000,
    zone: undefined,
    check: undefined,
  });
});

test("what may be switched off", () => {
  expect(rules({ retry: false }).attempts).toBe(1);
  expect(rules({ hedge: true }).hedging).toBeDefined();
  expect(rules({ health: { successRate: false } }).successRate).toBeUndefined();
  expect(rules({ maxQueued: 0 }).maxQueued).toBe(0);
});

test("a policy of the application's own", () => {
  const policy = { name: "first", picker: () => ({ pick: () => undefined }) };
  expect(rules({ policy }).policy).toBe(policy);
});

test.each([
  [{ name: "" }, /name must be a non-empty string/],
  [{ policy: 7 }, /policy must be the name of one or have a method picker, got number/],
  [{ health: { successRate: { minHost: 3 } } }, /unknown option "minHost"/],
  [{ health: { consecutiveFailures: 0 } }, /consecutiveFailures/],
  [{ health: { panicThreshold: -1 } }, /panicThreshold must be a number from 0 to 1, got -1/],
  [{ latency: { failureMs: 0 } }, /failureMs must be a positive number of milliseconds, got 0/],
  [{ retry: { classify: "no" } }, /classify must be a function/],
  [{ zone: "" }, /zone must be a non-empty string/],
  [{ queueTimeoutMs: Number.NaN }, /queueTimeoutMs/],
  [{ clock: {} }, /clock/],
  [{ random: 4 }, /random must be a function/],
  [{ onLeft: true }, /onLeft must be a function/],
] as unknown as [Partial<BalancerOptions<string>>, RegExp][])("refuses %j", (options, message) => {
  expect(() => rules(options)).toThrow(message);
});
