import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { requireTargets, type TargetOptions } from "./target.ts";

const listOf = (...targets: unknown[]) => targets as TargetOptions<string>[];

describe("a list of targets", () => {
  test("is given back as it is", () => {
    const list = [
      { target: "http://10.0.0.1", id: "10.0.0.1:80" },
      { target: "http://10.0.0.2", id: "10.0.0.2:80", weight: 0.5, zone: "a", priority: 2 },
    ];
    expect(requireTargets(list)).toBe(list);
  });

  test("may be empty: nobody is there", () => {
    expect(requireTargets([])).toEqual([]);
  });

  test("may hold every finite weight above 0 and every priority", () => {
    const targets = fc.record({
      target: fc.anything().filter((value) => value !== undefined),
      id: fc.string({ minLength: 1 }),
      weight: fc.double({ min: Number.MIN_VALUE, max: Number.MAX_VALUE, noNaN: true }),
      priority: fc.nat(),
    });
    fc.assert(
      fc.property(fc.uniqueArray(targets, { selector: ({ id }) => id }), (list) => {
        expect(requireTargets(list)).toBe(list);
      }),
    );
  });

  const wrong: [what: string, target: unknown, message: RegExp][] = [
    ["a weight of 0", { id: "b", target: 1, weight: 0 }, /targets\[1\]\.weight must be a positive/],
    ["a weight without end", { id: "b", target: 1, weight: Number.POSITIVE_INFINITY }, /weight/],
    ["a weight that is no number", { id: "b", target: 1, weight: "2" }, /\.weight .* got "2"/],
    ["half a priority", { id: "b", target: 1, priority: 0.5 }, /targets\[1\]\.priority/],
    ["a priority below 0", { id: "b", target: 1, priority: -1 }, /at least 0, got -1/],
    ["an empty zone", { id: "b", target: 1, zone: "" }, /targets\[1\]\.zone/],
    ["no id", { target: 1 }, /targets\[1\]\.id must be a non-empty string/],
    ["an id that is there already", { id: "a", target: 1 }, /"a" is the id of targets\[0\]/],
    ["no target", { id: "b" }, /targets\[1\]\.target must be given/],
    ["a misspelt option", { id: "b", target: 1, wieght: 2 }, /did you mean "weight"/],
    ["no object", "http://10.0.0.2", /targets\[1\]: options must be an object/],
    ["a hole", null, /targets\[1\]/],
  ];
  test.each(wrong)("is refused as a whole with %s", (_what, target, message) => {
    expect(() => requireTargets(listOf({ id: "a", target: 1 }, target))).toThrow(message);
  });

  test.each([undefined, null, "http://10.0.0.1", {}])("is refused when it is %o", (list) => {
    expect(() => requireTargets(list as never)).toThrow(/targets must be an array/);
  });
});
