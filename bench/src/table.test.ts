import { stripVTControlCharacters } from "node:util";
import { expect, test } from "vitest";
import type { Row } from "./rows.ts";
import { formatNumber, formatTable } from "./table.ts";

const row: Row = {
  name: "pick/n=100",
  ours: 21.4,
  peer: "undici BalancedPool",
  theirs: 239,
  unit: "ns/op",
  better: "lower",
  isFloor: false,
  ratio: 0.0896,
  ratioMin: 0.08,
  ratioMax: 0.11,
  rounds: 9,
  floorSpread: 1.1,
};

test("columns line up under their names", () => {
  const floor = { ...row, peer: "array", theirs: 1.5, isFloor: true, ratio: 14.27 };
  const table = stripVTControlCharacters(formatTable("lb", [row, floor]));
  expect(table.split("\n")).toEqual([
    "lb",
    "case        ours  peer                 theirs  unit   ratio  (min … max)     better",
    "pick/n=100  21.4  undici BalancedPool     239  ns/op  0.090  (0.080 … 0.11)  lower",
    "pick/n=100  21.4  array (floor)           1.5  ns/op   14.3  (0.080 … 0.11)  lower",
    "",
  ]);
});

test("ratios on a machine whose floor moved are marked, with a word on what it means", () => {
  const table = formatTable("lb", [{ ...row, floorSpread: 1.6 }]);
  expect(table).toContain("~0.090");
  expect(table).toContain("~ the floor moved by more than 1.5 times");
  expect(formatTable("lb", [row])).not.toContain("~");
});

test("a ratio that does not exist is a dash", () => {
  const table = formatTable("lb", [{ ...row, ratio: null, ratioMin: null, ratioMax: null }]);
  expect(table).toContain("-  (- … -)");
});

test.each([
  [0, "0"],
  [0.012345, "0.0123"],
  [2.34567, "2.35"],
  [21.44, "21.4"],
  [239.4, "239"],
  [6711.2, "6,711"],
])("%d is shown as %s", (value, shown) => {
  expect(formatNumber(value)).toBe(shown);
});
