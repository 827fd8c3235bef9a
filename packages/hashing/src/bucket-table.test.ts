import fc from "fast-check";
import { expect, test } from "vitest";
import { apportion } from "./apportionment.ts";
import { fewestMoves, growTable } from "./bucket-table.ts";

const weights = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 9 });

test("a bucket goes where the goal has it, if its owner gives and that node takes", () => {
  const moved = fewestMoves(
    Uint16Array.of(0, 0, 0, 0),
    Uint32Array.of(2, 2),
    Uint16Array.of(0, 1, 0, 1),
  );
  expect([...moved]).toEqual([0, 1, 0, 1]);
});

test("a bucket that is where the goal has it stays, if others can go", () => {
  const goal = Uint16Array.of(0, 1, 2);
  const moved = fewestMoves(Uint16Array.of(0, 0, 1), Uint32Array.of(1, 1, 1), goal);
  expect([...moved]).toEqual([0, 2, 1]);
});

test("the buckets of a node that has gone are given away", () => {
  const moved = fewestMoves(Uint16Array.of(2, 0, 1, 2), Uint32Array.of(2, 2));
  expect([...moved]).toEqual([0, 0, 1, 1]);
});

test("any table reaches its counts in as many moves as the takers lack, whatever the goal", () => {
  const table = fc.array(fc.nat({ max: 9 }), { minLength: 64, maxLength: 64 });
  fc.assert(
    fc.property(table, weights, fc.boolean(), (cells, shares, isAimed) => {
      const counts = apportion(64, shares);
      const owners = Uint16Array.from(cells, (cell) => Math.min(cell, shares.length));
      const goal = isAimed ? growTable(64, shares) : undefined;
      const moved = fewestMoves(owners, counts, goal);
      const had = countsOf(owners, shares.length);
      const least = had.reduce(
        (sum, count, node) => sum + Math.max(0, due(counts, node) - count),
        0,
      );
      expect(countsOf(moved, shares.length)).toEqual([...counts]);
      expect(moved.filter((node, bucket) => node !== owners[bucket]).length).toBe(least);
    }),
  );
});

test("a built table is that of nodes who join one by one, each with the fewest moves", () => {
  fc.assert(
    fc.property(weights, fc.constantFrom(16, 64, 256), (shares, size) => {
      let table = new Uint16Array(size);
      for (let nodes = 2; nodes <= shares.length; nodes++) {
        table = fewestMoves(table, apportion(size, shares.slice(0, nodes)));
      }
      expect(growTable(size, shares)).toEqual(table);
    }),
  );
});

function due(counts: Uint32Array, node: number): number {
  return counts[node] as number;
}

function countsOf(table: Uint16Array, nodes: number): number[] {
  return Array.from({ length: nodes }, (_, node) => table.filter((owner) => owner === node).length);
}
