import { expect, test } from "vitest";
import { deferred } from "./deferred.ts";

test("resolves by hand", async () => {
  const answer = deferred<number>();
  answer.resolve(42);
  await expect(answer.promise).resolves.toBe(42);
});

test("rejects by hand, and only the first counts", async () => {
  const answer = deferred();
  answer.reject(new Error("first"));
  answer.resolve();
  await expect(answer.promise).rejects.toThrow("first");
});
