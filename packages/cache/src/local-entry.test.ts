import { expect, test } from "vitest";
import type { FreshnessRules } from "./freshness.ts";
import { type CacheEntry, LocalEntry } from "./local-entry.ts";

const ENTRY: CacheEntry = {
  value: "v",
  sequence: 0,
  tags: [],
  storedAtMs: 0,
  freshForMs: 1_000,
  loadMs: 5,
  validator: undefined,
};
const RULES: FreshnessRules = {
  ttlMs: 1_000,
  jitter: 0,
  staleWhileRevalidateMs: 200,
  staleIfErrorMs: 500,
  earlyRefresh: 1,
};

test("its times follow from the end of its freshness", () => {
  const entry = new LocalEntry(ENTRY, [], RULES, 5_000);
  expect(entry).toMatchObject({
    freshUntilMs: 5_000,
    staleUntilMs: 5_200,
    errorUntilMs: 5_500,
    quietUntilMs: 5_000 - 16 * 5,
  });
});

test("it is intact until one of its guards is broken", () => {
  const guards = [{ broken: false }, { broken: false }];
  const entry = new LocalEntry(ENTRY, guards, RULES, 0);
  expect(entry.intact).toBe(true);
  guards[1] = { broken: true };
  expect(entry.intact).toBe(false);
});
