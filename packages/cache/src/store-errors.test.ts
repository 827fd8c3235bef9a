import { inspect } from "node:util";
import { expect, test } from "vitest";
import { CachePartitionError, CacheStoreError, CacheStorePartialError } from "./store-errors.ts";

test("each says which store failed and how, and may be retried", () => {
  const failed = new CacheStoreError("redis", "OOM");
  const partial = new CacheStorePartialError("redis", ["b"], [failed]);
  const gone = new CachePartitionError("redis", 2);
  expect(
    [failed, partial, gone].map(({ code, name, retryable }) => [code, name, retryable]),
  ).toEqual([
    ["CACHE_STORE_FAILED", "CacheStoreError", true],
    ["CACHE_STORE_PARTIAL", "CacheStorePartialError", true],
    ["CACHE_PARTITION_GONE", "CachePartitionError", true],
  ]);
  expect(failed).toMatchObject({ store: "redis", reason: "OOM" });
  expect(partial).toMatchObject({ missed: ["b"], message: 'the store "redis" did not reach b' });
  expect(gone.partition).toBe(2);
});

test("why each server was missed is in the cause, without the fields of foreign errors", () => {
  const foreign = Object.assign(new Error("broken"), { command: { args: ["hunter2"] } });
  const shown = inspect(new CacheStorePartialError("redis", ["b"], [foreign]));
  expect(shown).toContain("broken");
  expect(shown).not.toContain("hunter2");
});
