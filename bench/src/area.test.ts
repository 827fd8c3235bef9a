import { expect, test } from "vitest";
import { area, type Bench } from "./area.ts";

const figure = { unit: "B", better: "lower" } as const;
const declare = (bench: Bench, name: string): void =>
  bench.figure(name, { ...figure, ours: () => 1, peers: { floor: () => 1 }, floor: "floor" });

test("an area has the cases its file declares, in that order", () => {
  const declared = area("lb", (bench) => {
    declare(bench, "second");
    declare(bench, "first");
  });
  expect(declared.name).toBe("lb");
  expect(declared.cases.map(({ name }) => name)).toEqual(["second", "first"]);
});

test("two cases of one name are refused", () => {
  const twice = (bench: Bench): void => {
    declare(bench, "same");
    declare(bench, "same");
  };
  expect(() => area("lb", twice)).toThrow('case "same" of area "lb" is declared twice');
});

test("a floor that is no peer is refused", () => {
  const peers: Record<string, () => number> = { raw: () => 1 };
  expect(() =>
    area("lb", (bench) => bench.figure("f", { ...figure, ours: () => 1, peers, floor: "bare" })),
  ).toThrow('floor must be one of its peers, got "bare"');
});

test('a peer called "ours" is refused', () => {
  expect(() =>
    area("lb", (bench) =>
      bench.figure("f", { ...figure, ours: () => 1, peers: { ours: () => 1 }, floor: "ours" }),
    ),
  ).toThrow('has a peer called "ours"');
});
