import { expect, test } from "vitest";
import { parseArguments, UsageError } from "./arguments.ts";

test("areas and options may stand in any order", () => {
  expect(parseArguments(["lb", "--quick", "--json", "out.json", "cache", "--case", "a/*"])).toEqual(
    {
      areas: ["lb", "cache"],
      caseGlob: "a/*",
      quick: true,
      jsonFile: "out.json",
      help: false,
    },
  );
});

test("without arguments everything is measured in full", () => {
  expect(parseArguments([])).toEqual({
    areas: [],
    caseGlob: "*",
    quick: false,
    jsonFile: undefined,
    help: false,
  });
});

test('the "--" that npm users type before options changes nothing', () => {
  expect(parseArguments(["lb", "--", "--quick"]).quick).toBe(true);
});

test.each([[["--fast"]], [["--json"]], [["--quick=yes"]]])(
  "%j is refused with the usage",
  (args) => {
    expect(() => parseArguments(args)).toThrow(UsageError);
    expect(() => parseArguments(args)).toThrow(/Usage: pnpm bench/);
  },
);
