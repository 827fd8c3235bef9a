import fc from "fast-check";
import { expect, test } from "vitest";
import { PriorityHeap } from "./priority-heap.ts";

test("whatever is pushed and popped comes as from a sorted list", () => {
  const operation = fc.oneof(fc.nat(50), fc.constant("pop" as const));
  fc.assert(
    fc.property(fc.array(operation, { size: "large" }), (operations) => {
      const heap = new PriorityHeap<number>((one, other) => one < other);
      const list: number[] = [];
      for (const each of operations) {
        expect(heap.peek()).toBe(list[0]);
        if (each === "pop") expect(heap.pop()).toBe(list.shift());
        else {
          heap.push(each);
          list.push(each);
          list.sort((one, other) => one - other);
        }
      }
    }),
  );
});

test("what does not count any more is never seen", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(50)), fc.array(fc.nat(50)), (pushed, gone) => {
      const dead = new Set<number>();
      const heap = new PriorityHeap<number>(
        (one, other) => one < other,
        (each) => !dead.has(each),
      );
      for (const each of pushed) heap.push(each);
      for (const each of gone) dead.add(each);
      const left = pushed.filter((each) => !dead.has(each)).sort((one, other) => one - other);
      for (const each of left) expect(heap.pop()).toBe(each);
      expect(heap.pop()).toBeUndefined();
    }),
  );
});
