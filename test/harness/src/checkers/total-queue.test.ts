import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Element, History, Operation, Outcome } from "../operation.ts";
import { checkTotalQueue } from "./total-queue.ts";

/** The order of events does not matter to this checker: operations one after another will do. */
function historyOf(
  steps: readonly { kind: string; value?: unknown; outcome?: Outcome; result?: unknown }[],
): History {
  return steps.map(({ kind, value, outcome = "ok", result }, index): Operation => {
    const [startIndex, endIndex] = [2 * index, 2 * index + 1];
    const lifetime = { kind, value, startIndex, endIndex, startMs: startIndex, endMs: endIndex };
    if (outcome === "ok") return { ...lifetime, outcome, result };
    return { ...lifetime, outcome, error: new Error(outcome) };
  });
}

const enqueue = (value: Element, outcome: Outcome = "ok") => ({ kind: "enqueue", value, outcome });
const dequeue = (result: unknown, outcome: Outcome = "ok") => ({
  kind: "dequeue",
  result,
  outcome,
});
const drain = (result: unknown, outcome: Outcome = "ok") => ({ kind: "drain", result, outcome });

describe("total-queue sees", () => {
  test("an acknowledged element that never came out", () => {
    const result = checkTotalQueue(historyOf([enqueue("a"), enqueue("b"), dequeue("a")]));
    expect(result).toMatchObject({ valid: false, lost: ["b"], acknowledgedCount: 2, okCount: 1 });
  });

  test("an element that nobody had put in", () => {
    const result = checkTotalQueue(historyOf([enqueue(1), dequeue(1), dequeue(2), dequeue(2)]));
    expect(result).toMatchObject({ valid: false, unexpected: [2, 2], duplicated: [], lost: [] });
  });

  test("a duplicate, and calls it no violation", () => {
    const result = checkTotalQueue(historyOf([enqueue(1), dequeue(1), dequeue(1), dequeue(1)]));
    expect(result).toMatchObject({ valid: true, duplicated: [1, 1], unexpected: [], okCount: 1 });
  });

  test("an enqueue of unknown outcome that had arrived, and one that had not", () => {
    const history = historyOf([enqueue(1, "unknown"), enqueue(2, "unknown"), dequeue(1)]);
    const result = checkTotalQueue(history);
    expect(result).toMatchObject({ valid: true, recovered: [1], lost: [], attemptCount: 2 });
  });

  test("a failed enqueue that came out all the same, as recovered", () => {
    const result = checkTotalQueue(historyOf([enqueue(1, "failed"), dequeue(1)]));
    expect(result).toMatchObject({ valid: true, recovered: [1], unexpected: [] });
  });

  test("one of two equal elements lost", () => {
    const result = checkTotalQueue(historyOf([enqueue(1), enqueue(1), dequeue(1)]));
    expect(result).toMatchObject({ valid: false, lost: [1], duplicated: [] });
  });

  test("an element that came back with another type", () => {
    const result = checkTotalQueue(historyOf([enqueue(1), dequeue("1")]));
    expect(result).toMatchObject({ valid: false, lost: [1], unexpected: ["1"] });
  });
});

describe("total-queue reads", () => {
  test("a drain as many dequeues, and an empty dequeue as none", () => {
    const history = historyOf([
      enqueue(1),
      enqueue(2),
      enqueue(3),
      dequeue(null),
      dequeue(1),
      drain([3, 2]),
    ]);
    expect(checkTotalQueue(history)).toMatchObject({ valid: true, okCount: 3 });
  });

  test("dequeues and drains that did not succeed as none", () => {
    const history = historyOf([
      enqueue(1),
      dequeue(1, "unknown"),
      dequeue(1, "failed"),
      drain([1], "failed"),
    ]);
    expect(checkTotalQueue(history).lost).toEqual([1]);
  });

  test("no verdict out of a drain that may have taken elements with it", () => {
    const history = historyOf([enqueue(1), drain([1], "unknown")]);
    expect(() => checkTotalQueue(history)).toThrow("a drain with an unknown outcome");
  });

  test("no elements that cannot be compared", () => {
    expect(() => checkTotalQueue(historyOf([dequeue({ id: 1 })]))).toThrow(
      "dequeue must have a string, number or bigint as its element, got object",
    );
    expect(() => checkTotalQueue(historyOf([drain("abc")]))).toThrow(
      "drain must have an array of elements as its result, got string",
    );
  });
});

describe("total-queue, whatever the load:", () => {
  const outcome = fc.constantFrom<Outcome>("ok", "failed", "unknown");
  const put = fc.record({ value: fc.integer({ min: 0, max: 20 }), outcome });

  /** A correct queue: all acknowledged come out at least once, and of the others those that arrived. */
  const correctRun = fc
    .array(fc.record({ put, arrived: fc.boolean(), deliveries: fc.integer({ min: 1, max: 3 }) }), {
      maxLength: 60,
    })
    .chain((plans) => {
      const out = plans.flatMap(({ put, arrived, deliveries }) =>
        put.outcome === "ok" || (put.outcome === "unknown" && arrived)
          ? new Array<number>(deliveries).fill(put.value)
          : [],
      );
      return fc.shuffledSubarray(out, { minLength: out.length }).map((taken) => ({ plans, taken }));
    });

  test("a correct queue is valid, and every delivery is accounted for", () => {
    fc.assert(
      fc.property(correctRun, ({ plans, taken }) => {
        const puts = plans.map(({ put }) => enqueue(put.value, put.outcome));
        const result = checkTotalQueue(historyOf([...puts, ...taken.map((one) => dequeue(one))]));
        expect(result).toMatchObject({ valid: true, lost: [], unexpected: [] });
        expect(result.okCount + result.duplicated.length).toBe(taken.length);
        expect(result.recovered.length).toBe(result.okCount - result.acknowledgedCount);
      }),
    );
  });

  test("taking any acknowledged element out of the deliveries is reported as its loss", () => {
    fc.assert(
      fc.property(correctRun, fc.nat(), ({ plans, taken }, pick) => {
        const acked = plans.filter(({ put }) => put.outcome === "ok").map(({ put }) => put.value);
        fc.pre(acked.length > 0);
        const victim = acked[pick % acked.length] ?? 0;
        const puts = plans.map(({ put }) => enqueue(put.value, put.outcome));
        const rest = taken.filter((one) => one !== victim).map((one) => dequeue(one));
        const result = checkTotalQueue(historyOf([...puts, ...rest]));
        expect(result.valid).toBe(false);
        expect(result.lost).toEqual(acked.filter((one) => one === victim));
      }),
    );
  });

  test("any element from nowhere is reported, however often it comes", () => {
    fc.assert(
      fc.property(correctRun, fc.integer({ min: 1, max: 5 }), ({ plans, taken }, times) => {
        const puts = plans.map(({ put }) => enqueue(put.value, put.outcome));
        const made = new Array<number>(times).fill(999);
        const out = [...taken, ...made].map((one) => dequeue(one));
        const result = checkTotalQueue(historyOf([...puts, ...out]));
        expect(result).toMatchObject({ valid: false, unexpected: made, lost: [] });
      }),
    );
  });
});
