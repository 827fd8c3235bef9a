import { expect, test } from "vitest";
import { z } from "zod";
import { definitionRules } from "./definition-options.ts";

const DEFAULTS = { l1: {}, values: "freeze" } as const;

test("the defaults are safe: a minute, a little chance, a deadline, nothing stale", () => {
  expect(definitionRules("define", { load: () => 1 }, DEFAULTS)).toMatchObject({
    ttlMs: 60_000,
    jitter: 0.1,
    staleWhileRevalidateMs: 0,
    staleIfErrorMs: 0,
    earlyRefresh: 1,
    absentTtlMs: 0,
    loadTimeoutMs: 30_000,
    softTimeoutMs: 30_000,
    errorThrottleMs: 1_000,
    waitForLoadMs: 5_000,
    values: "freeze",
  });
});

test("a Standard Schema is taken, of whatever library", () => {
  const schema = z.object({ id: z.number() });
  const rules = definitionRules("define", { load: () => ({ id: 1 }), schema }, DEFAULTS);
  expect(rules.schema).toBe(schema);
});

test.each<[object, RegExp]>([
  [{ key: "id" }, /key must be a function/],
  [{ tags: [] }, /tags must be a function/],
  [{ loadTimeoutMs: 0 }, /loadTimeoutMs/],
  [{ softTimeoutMs: 0 }, /softTimeoutMs/],
  [{ staleIfErrorMs: -1 }, /staleIfErrorMs/],
  [{ staleWhileRevalidateMs: Number.NaN }, /staleWhileRevalidateMs/],
  [{ earlyRefresh: -1 }, /earlyRefresh/],
  [{ values: "none" }, /values must be one of/],
  [{ l1: { max: 1 } }, /l1: unknown option "max"/],
])("%o is an error that says why", (options, message) => {
  expect(() => definitionRules("define", { load: () => 1, ...options }, DEFAULTS)).toThrow(message);
});
