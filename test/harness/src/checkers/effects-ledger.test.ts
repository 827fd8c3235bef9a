import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Element, History, Outcome } from "../operation.ts";
import { checkEffectsLedger } from "./effects-ledger.ts";
import { handMadeHistory } from "./hand-made-history.ts";

function added(...puts: readonly (Element | readonly [Element, Outcome])[]): History {
  return handMadeHistory(
    puts.map((put, at) => {
      const [value, outcome] = typeof put === "object" ? put : ([put, "ok"] as const);
      return { kind: "enqueue", value, outcome, at: [2 * at, 2 * at + 1] };
    }),
  );
}
const lines = (...elements: readonly Element[]) => elements.map((element) => ({ element }));

describe("the effects ledger shows", () => {
  test("nothing wrong where each has its effect", () => {
    expect(checkEffectsLedger(added(1, 2), lines(2, 1))).toEqual({
      valid: true,
      acknowledgedCount: 2,
      effectCount: 2,
      lost: [],
      unexpected: [],
      unfenced: [],
      repeated: [],
    });
  });

  test("a promised job without an effect", () => {
    expect(checkEffectsLedger(added(1, 2), lines(1))).toMatchObject({ valid: false, lost: [2] });
  });

  test("an effect of a job that nobody had added", () => {
    const result = checkEffectsLedger(added(1), lines(1, 7));
    expect(result).toMatchObject({ valid: false, unexpected: [7] });
  });

  test("effects that were repeated, and calls it a figure", () => {
    const result = checkEffectsLedger(added(1, 2), lines(1, 2, 1, 1));
    expect(result).toMatchObject({ valid: true, repeated: [{ element: 1, times: 2 }] });
  });

  test("a line of somebody who had lost his lease", () => {
    const ledger = [
      { element: 1, attempt: 1 },
      { element: 1, attempt: 2 },
      { element: 2, attempt: 2 },
      { element: 2, attempt: 1 },
    ];
    const result = checkEffectsLedger(added(1, 2), ledger);
    expect(result).toMatchObject({ valid: false, unfenced: [{ element: 2, attempt: 1 }] });
  });

  test("no loss where nothing was promised, or the job was given up", () => {
    const history = added([1, "unknown"], [2, "failed"], 3, [4, "unknown"]);
    expect(checkEffectsLedger(history, lines(4), [3])).toMatchObject({ valid: true, lost: [] });
    expect(checkEffectsLedger(history, lines(3, 2), [3])).toMatchObject({ valid: true });
  });

  test("nothing that cannot be compared", () => {
    const history = handMadeHistory([{ kind: "enqueue", value: {}, at: [1, 2] }]);
    expect(() => checkEffectsLedger(history, [])).toThrow("enqueue must have a string");
  });
});

test("whichever line is taken out of a ledger is missed", () => {
  const elements = fc.uniqueArray(fc.nat(100), { minLength: 1 });
  fc.assert(
    fc.property(elements, fc.nat(), (all, pick) => {
      const victim = all[pick % all.length];
      const ledger = lines(...all.filter((element) => element !== victim));
      expect(checkEffectsLedger(added(...all), ledger).lost).toEqual([victim]);
    }),
  );
});
