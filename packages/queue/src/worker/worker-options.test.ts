import { expect, test } from "vitest";
import { workerRules } from "./worker-options.ts";

test("without options there are ten at a time, and prefetching is measured", () => {
  expect(workerRules({})).toEqual({ concurrency: 10, prefetch: undefined, rate: undefined });
  expect(workerRules({ prefetch: 0, rate: { jobs: 1, perMs: 10 } })).toMatchObject({
    prefetch: 0,
    rate: { jobs: 1, perMs: 10 },
  });
});

test.each<[object, string]>([
  [{ concurrency: 0 }, "concurrency"],
  [{ prefetch: -1 }, "prefetch"],
  [{ rate: { jobs: 1 } }, "rate.perMs"],
  [{ concurency: 1 }, 'did you mean "concurrency"?'],
])("%j is refused", (options, message) => {
  expect(() => workerRules(options)).toThrow(message);
});
