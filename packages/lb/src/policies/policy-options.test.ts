import { seededRandom, systemRandom } from "@headroom/core/random";
import { expect, test } from "vitest";
import { requireRandom } from "./policy-options.ts";

test("chance is the system's unless one is given", () => {
  const random = seededRandom(1);
  expect(requireRandom("p2c", {})).toBe(systemRandom);
  expect(requireRandom("p2c", { random: undefined })).toBe(systemRandom);
  expect(requireRandom("p2c", { random })).toBe(random);
});

test("a misspelt option is refused by name", () => {
  expect(() => requireRandom("p2c", { rnd: seededRandom(1) } as object)).toThrow(
    new TypeError('p2c: unknown option "rnd", did you mean "random"?'),
  );
});

test("chance must be a function", () => {
  expect(() => requireRandom("p2c", { random: 4 as unknown as () => number })).toThrow(
    "random must be a function, got 4",
  );
});

test("a policy may have options of its own", () => {
  expect(() => requireRandom("ring", { points: 3 } as object, ["points"])).not.toThrow();
  expect(() => requireRandom("ring", { points: 3 } as object)).toThrow(TypeError);
});
