import { describe, expect, test } from "vitest";
import type { Element, Outcome } from "../operation.ts";
import { type Drawn, handMadeHistory } from "./hand-made-history.ts";
import { checkSetFull, type SetFullOptions, type SetFullResult } from "./set-full.ts";

type Span = readonly [startMs: number, endMs: number];

const add = (value: Element, at: Span, outcome: Outcome = "ok"): Drawn => ({
  kind: "add",
  value,
  at,
  outcome,
});
const read = (result: readonly Element[], at: Span, outcome: Outcome = "ok"): Drawn => ({
  kind: "read",
  result,
  at,
  outcome,
});

function check(drawn: readonly Drawn[], options?: SetFullOptions): SetFullResult {
  return checkSetFull(handMadeHistory(drawn), options);
}

describe("set-full calls an element", () => {
  test("stable at once when every later read sees it", () => {
    const result = check([add(1, [0, 1]), read([1], [2, 3]), read([1], [4, 5])], {
      linearizable: true,
    });
    expect(result).toMatchObject({
      valid: true,
      stableCount: 1,
      lost: [],
      stale: [],
      neverRead: [],
    });
    expect(result.stableLatenciesMs).toEqual({ "0": 0, "0.5": 0, "0.95": 0, "0.99": 0, "1": 0 });
  });

  test("lost when the last read misses it, and says when it was last seen", () => {
    const result = check([
      add(1, [0, 1]),
      read([1], [2, 3]),
      read([1], [10, 11]),
      read([], [20, 21]),
    ]);
    expect(result).toMatchObject({ valid: false, lost: [1], stableCount: 0 });
    expect(result.lostLatenciesMs?.["1"]).toBe(9);
    expect(result.stableLatenciesMs).toBeUndefined();
  });

  test("lost with latency 0 when it was acknowledged and never seen", () => {
    const result = check([add(1, [0, 1]), read([], [2, 3])]);
    expect(result).toMatchObject({ valid: false, lost: [1] });
    expect(result.lostLatenciesMs?.["1"]).toBe(0);
  });

  test("stale when a read that began after the acknowledgement missed it for a while", () => {
    const drawn = [add(1, [0, 10]), read([], [12, 13]), read([], [30, 31]), read([1], [40, 41])];
    const result = check(drawn);
    expect(result).toMatchObject({ valid: true, stableCount: 1, stale: [1] });
    expect(result.worstStale).toEqual([{ element: 1, stableLatencyMs: 20 }]);
    expect(check(drawn, { linearizable: true }).valid).toBe(false);
  });

  test("not stale when the read that missed it ran beside the add", () => {
    const result = check([add(1, [0, 10]), read([], [9, 15]), read([1], [20, 21])], {
      linearizable: true,
    });
    expect(result).toMatchObject({ valid: true, stale: [] });
  });

  test("stable although it flickers, if it was there in the end", () => {
    const drawn = [add(1, [0, 1]), read([1], [2, 3]), read([], [4, 5]), read([1], [6, 7])];
    expect(check(drawn)).toMatchObject({ valid: true, stableCount: 1, stale: [1] });
  });

  test("never read when nobody looked after it was known", () => {
    const result = check([read([], [0, 1]), add(1, [2, 6]), read([], [3, 4])]);
    expect(result).toMatchObject({ valid: "unknown", neverRead: [1], lost: [], stableCount: 0 });
  });

  test("never read when its add was unknown or failed and nobody ever saw it", () => {
    const result = check([add(1, [0, 1], "unknown"), add(2, [2, 3], "failed"), read([], [4, 5])]);
    expect(result).toMatchObject({
      valid: "unknown",
      neverRead: [1, 2],
      lost: [],
      attemptCount: 2,
    });
  });

  test("lost when its add was unknown, but a read had seen it", () => {
    const result = check([add(1, [0, 1], "unknown"), read([1], [2, 3]), read([], [4, 5])]);
    expect(result).toMatchObject({ valid: false, lost: [1] });
  });

  test("known from the first read that saw it, before its own acknowledgement", () => {
    const result = check([
      add(1, [0, 100]),
      read([1], [10, 20]),
      read([], [30, 40]),
      read([1], [110, 120]),
    ]);
    expect(result).toMatchObject({ valid: true, stale: [1] });
    expect(result.stableLatenciesMs?.["1"]).toBe(10);
  });

  test("duplicated when one read gives it twice", () => {
    const result = check([add(1, [0, 1]), read([1, 1], [2, 3])]);
    expect(result).toMatchObject({ valid: false, duplicated: [1] });
  });

  test("unexpected when nobody had begun to add it", () => {
    expect(check([add(1, [0, 1]), read([1, 2], [2, 3])])).toMatchObject({
      valid: false,
      unexpected: [2],
    });
    expect(check([read([1], [0, 1]), add(1, [2, 3])])).toMatchObject({
      valid: false,
      unexpected: [1],
      stableCount: 0,
      neverRead: [1],
    });
  });
});

describe("set-full", () => {
  test("gives no verdict where nothing was read", () => {
    expect(check([]).valid).toBe("unknown");
    expect(check([add(1, [0, 1]), read([], [2, 3], "unknown")]).valid).toBe("unknown");
  });

  test("orders the reads by when they began, not by when they came back", () => {
    const result = check([add(1, [0, 1]), read([], [2, 9]), read([1], [3, 4])]);
    expect(result).toMatchObject({ valid: true, stale: [1], lost: [] });
  });

  test("spreads the stable latencies over the quantiles", () => {
    const adds = Array.from({ length: 100 }, (_, index) =>
      add(index, [index / 1000, index / 1000 + 0.0005]),
    );
    const seenBy = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
    const result = check([
      ...adds,
      read(seenBy(50), [10.1, 10.2]),
      read(seenBy(98), [50.1, 50.2]),
      read(seenBy(100), [90.1, 90.2]),
    ]);
    expect(result).toMatchObject({ valid: true, stableCount: 100 });
    expect(result.stale).toHaveLength(50);
    expect(result.worstStale).toHaveLength(8);
    const rounded = Object.entries(result.stableLatenciesMs ?? {}).map(([q, ms]) => [
      q,
      Math.round(ms),
    ]);
    expect(Object.fromEntries(rounded)).toEqual({
      "0": 0,
      "0.5": 0,
      "0.95": 10,
      "0.99": 50,
      "1": 50,
    });
  });

  test("refuses an element that is added twice", () => {
    expect(() => check([add(1, [0, 1]), add(1, [2, 3])])).toThrow(
      "add must have an element of its own each time, got 1 twice",
    );
  });
});
