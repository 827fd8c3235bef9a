import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createKetama, ketamaHash } from "./ketama.ts";
import { murmur3 } from "./murmur3.ts";
import { createRing } from "./ring.ts";
import { diffRings, type RangePlacement } from "./ring-diff.ts";

/** A placement by hand: each node has the positions up to, not including, its bound. */
function ranges(...bounds: [node: string, end: number][]): RangePlacement {
  let start = 0;
  const list = bounds.map(([node, end]) => {
    const range = { start, end, node };
    start = end;
    return range;
  });
  return { kind: "ring", ranges: () => list };
}

const whole = 2 ** 32;
const half = whole / 2;
const subsets = fc.subarray(["a", "b", "c", "d", "e", "f"], { minLength: 1 });

describe("the difference of two rings", () => {
  test("is nothing for two that are equal", () => {
    expect(diffRings(createRing(["a", "b"]), createRing(["b", "a"]))).toEqual({
      share: 0,
      moves: [],
    });
  });

  test("is everything when no node is in both", () => {
    const { share, moves } = diffRings(createRing(["a"]), createRing(["b"]));
    expect(share).toBe(1);
    expect(moves).toEqual([{ start: 0, end: whole, from: "a", to: "b" }]);
  });

  test("is cut at the bounds of both and joined where the same pair goes on", () => {
    const before = ranges(["a", 100], ["b", half], ["c", whole]);
    const after = ranges(["a", 50], ["b", 200], ["d", half + 1], ["d", half + 7], ["c", whole]);
    expect(diffRings(before, after)).toEqual({
      share: (half + 7 - 200 + 50) / whole,
      moves: [
        { start: 50, end: 100, from: "a", to: "b" },
        { start: 200, end: half, from: "b", to: "d" },
        { start: half, end: half + 7, from: "c", to: "d" },
      ],
    });
  });

  test("says of every key whether it moves, and from where to where", () => {
    fc.assert(
      fc.property(subsets, subsets, fc.string(), (idsBefore, idsAfter, key) => {
        const before = createRing(idsBefore, { pointsPerWeight: 5 });
        const after = createRing(idsAfter, { pointsPerWeight: 5 });
        const hash = murmur3(key);
        const move = diffRings(before, after).moves.find(
          ({ start, end }) => start <= hash && hash < end,
        );
        expect(move?.from ?? before.locate(key)).toBe(before.locate(key));
        expect(move?.to ?? before.locate(key)).toBe(after.locate(key));
      }),
    );
  });

  test("is as large one way as the other", () => {
    fc.assert(
      fc.property(subsets, subsets, (idsBefore, idsAfter) => {
        const before = createRing(idsBefore);
        const after = createRing(idsAfter);
        expect(diffRings(after, before).share).toBe(diffRings(before, after).share);
      }),
    );
  });

  test("of two that hash keys differently is refused", () => {
    const ketama = createKetama(["a"]) as unknown as RangePlacement;
    expect(() => diffRings<RangePlacement>(createRing(["a"]), ketama)).toThrow(
      new TypeError("A ring and a ketama hash keys differently"),
    );
  });

  test("can be taken of ketama rings, where one weight raised moves keys between the others", () => {
    const others = [{ id: "b" }, { id: "c" }, { id: "d" }];
    const before = createKetama([{ id: "a", weight: 1 }, ...others]);
    const after = createKetama([{ id: "a", weight: 2 }, ...others]);
    const { moves } = diffRings(before, after);
    expect(moves.some(({ from, to }) => from !== "a" && to !== "a")).toBe(true);
    for (let i = 0; i < 100; i++) {
      const hash = ketamaHash(`key-${i}`);
      const move = moves.find(({ start, end }) => start <= hash && hash < end);
      expect(move?.to ?? before.locate(`key-${i}`).id).toBe(after.locate(`key-${i}`).id);
    }
  });
});
