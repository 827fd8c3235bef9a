import { afterEach, beforeEach, describe, expect, type MockInstance, test, vi } from "vitest";
import { readSeed } from "./seed.ts";

/** A fresh process, as far as the seed is concerned. */
async function freshTestSeed(): Promise<typeof import("./seed.ts").testSeed> {
  vi.resetModules();
  return (await import("./seed.ts")).testSeed;
}

describe("the seed of a test process", () => {
  let print: MockInstance<typeof console.error>;

  beforeEach(() => {
    print = vi.spyOn(console, "error").mockImplementation(() => {});
  });

  afterEach(() => {
    print.mockRestore();
    vi.unstubAllEnvs();
  });

  test("is the one of HEADROOM_SEED, printed once with the way to repeat it", async () => {
    vi.stubEnv("HEADROOM_SEED", "42");
    const testSeed = await freshTestSeed();
    expect(testSeed().value).toBe(42);
    expect(testSeed().value).toBe(42);
    expect(print.mock.calls).toEqual([["seed 42 (to repeat: HEADROOM_SEED=42)"]]);
  });

  test("is made up when HEADROOM_SEED is absent, and then stays", async () => {
    vi.stubEnv("HEADROOM_SEED", undefined);
    const testSeed = await freshTestSeed();
    const { value } = testSeed();
    expect(readSeed(String(value))).toBe(value);
    expect(testSeed().value).toBe(value);
  });

  test("gives every test its own generator of the same sequence", async () => {
    vi.stubEnv("HEADROOM_SEED", "7");
    const testSeed = await freshTestSeed();
    const [first, second] = [testSeed().random, testSeed().random];
    const draws = [first(), first(), first()];
    expect([second(), second(), second()]).toEqual(draws);
    expect(new Set(draws).size).toBe(3);
  });

  test("is refused when it could not be repeated", () => {
    for (const text of ["-1", "1.5", "0x10", "seed", "4294967296", " 1"]) {
      expect(() => readSeed(text)).toThrow(
        `HEADROOM_SEED must be an integer from 0 to 4294967295, got ${text}`,
      );
    }
    expect(readSeed("4294967295")).toBe(4294967295);
    expect(readSeed("")).toBeUndefined();
  });
});
