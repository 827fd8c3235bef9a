import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { type ConnectionPoolOptions, connectionPoolRules } from "./connection-pool-options.ts";

const create = async (): Promise<object> => ({});
const destroy = (): void => {};

describe("options of a pool of connections", () => {
  test("have the defaults that are written at them", () => {
    const rules = connectionPoolRules({ create, destroy });
    expect(rules).toMatchObject({
      max: 10,
      min: 0,
      acquireTimeoutMs: 1_000,
      maxWaiting: 1_000,
      connectTimeoutMs: 5_000,
      idleTimeoutMs: 30_000,
    });
    expect(rules.isBroken(new Error("any"))).toBe(true);
  });

  const wrong: [options: object, message: RegExp][] = [
    [{ destroy }, /create must be a function/],
    [{ create }, /destroy must be a function/],
    [{ create, destroy, validate: true }, /validate must be a function/],
    [{ create, destroy, max: 0 }, /max must be an integer of at least 1/],
    [{ create, destroy, max: 2, min: 3 }, /min must be at most max \(2\), got 3/],
    [{ create, destroy, acquireTimeoutMs: 0 }, /acquireTimeoutMs must be a positive/],
    [{ create, destroy, maxWaiting: -1 }, /maxWaiting must be an integer of at least 0/],
    [{ create, destroy, connectTimeoutMs: Number.NaN }, /connectTimeoutMs/],
    [{ create, destroy, idleTimeoutMs: Number.POSITIVE_INFINITY }, /idleTimeoutMs/],
    [{ create, destroy, idleTimeout: 5 }, /did you mean "idleTimeoutMs"/],
  ];
  test.each(wrong)("%o are refused", (options, message) => {
    const given = options as ConnectionPoolOptions<string, object>;
    expect(() => connectionPoolRules(given)).toThrow(message);
  });

  test("an isBroken that throws takes the connection for broken, and warns once", async () => {
    const { isBroken } = connectionPoolRules({
      create,
      destroy,
      isBroken: () => {
        throw new TypeError("undefined is not a function");
      },
    });
    const warnings: string[] = [];
    const note = (warning: Error & { code?: string }): void =>
      void warnings.push(`${warning.code}: ${warning.message}`);
    process.on("warning", note);
    expect([isBroken(1), isBroken(2)]).toEqual([true, true]);
    await once(process, "warning");
    process.off("warning", note);
    expect(warnings).toEqual([
      "HEADROOM_HOOK_FAILED: isBroken threw TypeError: undefined is not a function",
    ]);
  });
});
