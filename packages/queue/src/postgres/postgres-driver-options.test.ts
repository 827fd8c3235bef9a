import { expect, test } from "vitest";
import { resolveOptions } from "./postgres-driver-options.ts";

test("without options everything has its default", () => {
  expect(resolveOptions({})).toMatchObject({
    ...{ schema: "headroom_queue", migrate: true, pollMs: 1_000, notifyEveryMs: 20 },
    ...{ checkEveryMs: 3_000, timeoutMs: 10_000, oldTransactionMs: 300_000 },
  });
});

test.each([
  [{ poll: 5 }, /unknown option "poll", did you mean "pollMs"/],
  [{ pollMs: 0 }, /pollMs/],
  [{ timeoutMs: "1" }, /timeoutMs/],
  [{ migrate: 1 }, /migrate/],
])("%o is refused", (options, message) => {
  expect(() => resolveOptions(options as object)).toThrow(message);
});
