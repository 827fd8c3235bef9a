import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { shield, shieldHook } from "./shield.ts";

const warnings: { text: string; code?: string; detail?: string }[] = [];
beforeEach(() => {
  warnings.length = 0;
  vi.spyOn(process, "emitWarning").mockImplementation((warning, options) => {
    warnings.push({ text: String(warning), ...(options as object) });
  });
});
afterEach(() => {
  vi.restoreAllMocks();
});

const fails = (): never => {
  throw new TypeError("no answer from redis://:hunter2@cache-1");
};

test("a hook gets its argument, and its result comes back", () => {
  const double = shieldHook(
    "double",
    (given: number) => 2 * given,
    () => 0,
  );
  expect(double(21)).toBe(42);
  expect(warnings).toEqual([]);
});

test("what a hook throws is a warning, once for the hook and not for each shield", () => {
  const hook = (): string => fails();
  for (let call = 0; call < 3; call++) {
    expect(shieldHook("onStateChange", hook, () => "instead")(undefined)).toBe("instead");
  }
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toMatchObject({
    text: "onStateChange threw TypeError: no answer from redis://***@cache-1",
    code: "HEADROOM_HOOK_FAILED",
  });
  expect(warnings[0]?.detail).toContain("shield.test.ts");
  expect(warnings[0]?.detail).not.toContain("hunter2");
});

test("one function may serve two options, each with its own answer instead", () => {
  const hook = (): boolean => fails();
  expect(shieldHook("isFailure", hook, () => true)(undefined)).toBe(true);
  expect(shieldHook("retryOn", hook, () => false)(undefined)).toBe(false);
});

test("what an async observer rejects with is a warning too", async () => {
  const observer = shield(
    async () => fails(),
    () => undefined,
    { what: "an observer", code: "HEADROOM_TEST" },
  );
  await expect(observer()).rejects.toThrow(TypeError);
  expect(warnings.map(({ code }) => code)).toEqual(["HEADROOM_TEST"]);
});

test("what is no function is refused by the name of the option", () => {
  expect(() => shieldHook("onStateChange", 5 as never, () => {})).toThrow(
    new TypeError("onStateChange must be a function, got 5"),
  );
});
