import fc from "fast-check";
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

describe("set-full, whatever the load:", () => {
  /** A linearizable set: each operation takes effect at one moment between its start and its end. */
  interface Plan {
    readonly isAdd: boolean;
    readonly outcome: Outcome;
    readonly moments: readonly [startMs: number, effectMs: number, endMs: number];
  }

  const plans: fc.Arbitrary<Plan[]> = fc.integer({ min: 1, max: 25 }).chain((count) =>
    fc
      .tuple(
        fc.array(
          fc.tuple(fc.boolean(), fc.constantFrom<Outcome>("ok", "ok", "unknown", "failed")),
          {
            minLength: count,
            maxLength: count,
          },
        ),
        fc.uniqueArray(fc.nat(10_000), { minLength: 3 * count, maxLength: 3 * count }),
      )
      .map(([kinds, moments]) =>
        kinds.map(([isAdd, outcome], index): Plan => {
          const own = moments.slice(3 * index, 3 * index + 3).sort((a, b) => a - b);
          return { isAdd, outcome, moments: [own[0] ?? 0, own[1] ?? 0, own[2] ?? 0] };
        }),
      ),
  );

  function play(planned: readonly Plan[]): Drawn[] {
    const present = (atMs: number): number[] =>
      planned.flatMap(({ isAdd, outcome, moments }, index) =>
        isAdd && outcome !== "failed" && moments[1] < atMs ? [index] : [],
      );
    return planned.map(({ isAdd, outcome, moments: [startMs, effectMs, endMs] }, index) =>
      isAdd
        ? add(index, [startMs, endMs], outcome)
        : read(present(effectMs), [startMs, endMs], outcome),
    );
  }

  const ackedOf = (drawn: readonly Drawn[]): Drawn[] =>
    drawn.filter(({ kind, outcome }) => kind === "add" && outcome === "ok");

  test("a linearizable set is never found wrong, nor stale", () => {
    fc.assert(
      fc.property(plans, (planned) => {
        const result = check(play(planned), { linearizable: true });
        expect(result.valid).not.toBe(false);
        expect(result).toMatchObject({ lost: [], stale: [], duplicated: [], unexpected: [] });
      }),
    );
  });

  test("every element is stable, lost or never read", () => {
    const readAnything = fc.array(fc.subarray(Array.from({ length: 25 }, (_, index) => index)), {
      maxLength: 25,
    });
    fc.assert(
      fc.property(plans, readAnything, (planned, garbage) => {
        const drawn = play(planned).map((one, index) =>
          one.kind === "read" ? { ...one, result: garbage[index] ?? [] } : one,
        );
        const { stableCount, lost, neverRead, attemptCount } = check(drawn);
        expect(stableCount + lost.length + neverRead.length).toBe(attemptCount);
      }),
    );
  });

  test("all acknowledged elements are stable once a last read has seen all", () => {
    fc.assert(
      fc.property(plans, (planned) => {
        const drawn = play(planned);
        const acked = ackedOf(drawn);
        fc.pre(acked.length > 0);
        const all = play(planned).filter(
          ({ kind, outcome }) => kind === "add" && outcome !== "failed",
        );
        const last = read(
          all.map(({ value }) => Number(value)),
          [20_000, 20_001],
        );
        expect(check([...drawn, last])).toMatchObject({ valid: true, stableCount: all.length });
      }),
    );
  });

  test("an acknowledged element that the last read misses is always lost, and it alone", () => {
    fc.assert(
      fc.property(plans, fc.nat(), (planned, pick) => {
        const drawn = play(planned);
        const acked = ackedOf(drawn);
        fc.pre(acked.length > 0);
        const victim = Number(acked[pick % acked.length]?.value);
        const all = drawn.filter(({ kind, outcome }) => kind === "add" && outcome !== "failed");
        const rest = all.map(({ value }) => Number(value)).filter((element) => element !== victim);
        const result = check([...drawn, read(rest, [20_000, 20_001])]);
        expect(result).toMatchObject({ valid: false, lost: [victim] });
      }),
    );
  });
});
