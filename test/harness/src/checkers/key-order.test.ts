import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Element, Outcome } from "../operation.ts";
import { type Drawn, handMadeHistory } from "./hand-made-history.ts";
import { checkKeyOrder, type KeyOrderResult } from "./key-order.ts";

const keyOf = (element: Element): string | undefined => String(element).split("-")[0] || undefined;

function enqueue(value: Element, at: Drawn["at"], outcome: Outcome = "ok"): Drawn {
  return { kind: "enqueue", value, at, outcome };
}
function handle(value: Element, at: Drawn["at"], outcome: Outcome = "ok"): Drawn {
  return { kind: "handle", value, at, outcome };
}
function check(...drawn: readonly Drawn[]): KeyOrderResult {
  return checkKeyOrder(handMadeHistory(drawn), keyOf);
}

describe("key order sees", () => {
  const added = [enqueue("a-1", [1, 2]), enqueue("a-2", [3, 4])];

  test("nothing wrong with jobs one after the other, retried or not", () => {
    const result = check(
      ...added,
      handle("a-1", [5, 6], "failed"),
      handle("a-1", [7, 8]),
      handle("a-2", [9, 10]),
    );
    const right = { valid: true, keyCount: 1, runCount: 3, disordered: [], overlapping: [] };
    expect(result).toEqual(right);
  });

  test("a later job that begins first", () => {
    const result = check(...added, handle("a-2", [5, 6]), handle("a-1", [7, 8]));
    expect(result).toMatchObject({
      valid: false,
      disordered: [{ element: "a-1", after: "a-2" }],
      overlapping: [],
    });
  });

  test("a retry that did not hold up the later one", () => {
    const result = check(
      ...added,
      handle("a-1", [5, 6], "failed"),
      handle("a-2", [7, 8]),
      handle("a-1", [9, 10]),
    );
    expect(result).toMatchObject({ valid: false, disordered: [{ element: "a-1", after: "a-2" }] });
  });

  test("two at a time, and calls it a figure", () => {
    const result = check(...added, handle("a-1", [5, 8]), handle("a-2", [6, 7]));
    expect(result).toMatchObject({
      valid: true,
      overlapping: [{ element: "a-2", during: "a-1" }],
    });
  });

  test("no order between jobs that were added beside each other, or perhaps not at all", () => {
    const beside = [enqueue("a-1", [1, 3]), enqueue("a-2", [2, 4])];
    const unsure = [enqueue("a-1", [1, 2], "unknown"), enqueue("a-2", [3, 4])];
    for (const adding of [beside, unsure]) {
      const result = check(...adding, handle("a-2", [5, 6]), handle("a-1", [7, 8]));
      expect(result.valid).toBe(true);
    }
  });

  test("no order between keys, nor between jobs that have none", () => {
    const result = check(
      enqueue("a-1", [1, 2]),
      enqueue("b-1", [3, 4]),
      enqueue("-1", [5, 6]),
      enqueue("-2", [7, 8]),
      handle("b-1", [9, 11]),
      handle("a-1", [10, 12]),
      handle("-2", [13, 15]),
      handle("-1", [14, 16]),
    );
    expect(result).toMatchObject({ valid: true, keyCount: 2, runCount: 2, overlapping: [] });
  });
});

test("exchanging two runs of a right history is seen", () => {
  const run = fc.tuple(fc.integer({ min: 2, max: 20 }), fc.nat(), fc.nat());
  fc.assert(
    fc.property(run, ([count, one, other]) => {
      const elements = Array.from({ length: count }, (_, at) => `a-${at}`);
      const order = [...elements];
      const [from, to] = [one % count, other % count];
      order[from] = elements[to] ?? "";
      order[to] = elements[from] ?? "";
      const begun = 2 * count;
      const result = check(
        ...elements.map((value, at) => enqueue(value, [2 * at, 2 * at + 1])),
        ...order.map((value, at) => handle(value, [begun + 2 * at, begun + 2 * at + 1])),
      );
      expect(result.valid).toBe(from === to);
    }),
  );
});
