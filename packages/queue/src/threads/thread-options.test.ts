import { availableParallelism } from "node:os";
import { expect, test } from "vitest";
import { type ThreadOptions, threadRules } from "./thread-options.ts";

const module = new URL("file:///crop.js");

test("as many threads as cores, and none when there is nothing to do", () => {
  expect(threadRules(module, {})).toMatchObject({
    minThreads: 0,
    maxThreads: availableParallelism(),
    idleTimeoutMs: 30_000,
    exportName: "default",
  });
});

test.each<[unknown, object, RegExp]>([
  ["./crop.js", {}, /module must be a URL/],
  [module, { maxThreads: 0 }, /maxThreads/],
  [module, { minThreads: 3, maxThreads: 2 }, /maxThreads must be at least minThreads \(3\), got 2/],
  [module, { threads: 2 }, /unknown option "threads"/],
  [module, { exportName: "" }, /exportName/],
])("%s %o is refused", (given, options, message) => {
  expect(() => threadRules(given as URL, options as ThreadOptions)).toThrow(message);
});
