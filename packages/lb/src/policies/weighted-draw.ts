/**
 * Drawing one target by weight, and another one beside it.
 *
 * Think of a target of weight w as w units that share one machine (`effective-weight.ts`). The first
 * draw takes a unit, the second a *different unit*. Hence the second takes a target in proportion to
 * its weight, where the first one's counts one unit less. A target of one unit is never drawn
 * twice; one of three units is, as often as its share demands. Were it never, then of two
 * targets with weights 3 and 1 the second would be in every pair.
 *
 * - With equal weights this is two different targets, evenly: the second is drawn from one target fewer,
 *   and everyone from the first on moves up by one, so that the first leaves a hole nobody falls
 *   into (Finagle's `P2CPick`). Two random numbers, no loop.
 * - Otherwise the second is drawn like the first, and rejected when it is the same *unit*: if it is
 *   the same target of w units, one time in w. What is accepted has exactly the wanted chances.
 *
 * What is excluded is rejected too. Rejecting may go on for long, when nearly all is excluded or one
 * target has nearly all the weight; so after a few draws the rest is added up and drawn from, which
 * is linear and has the same chances. A draw without `exclude` and with equal weights allocates
 * nothing and is O(1).
 */

import type { Random } from "@headroom/core/random";
import type { Candidate } from "../policy.ts";
import { AliasTable } from "./alias-table.ts";
import { areEqual, effectiveUnits } from "./effective-weight.ts";

/** Instead of an index: there is nobody. */
export const NONE = -1;

/** With half of the weight rejected, one draw in 16 has to add up the rest. */
const DRAWS = 4;

export class WeightedDraw<C extends Candidate> {
  readonly candidates: readonly C[];
  /** The effective weights in units. */
  readonly units: Float64Array;
  readonly #random: Random;
  /** Undefined when all weights are equal. */
  readonly #byWeight: AliasTable | undefined;

  /** @param candidates at least one. */
  constructor(candidates: readonly C[], random: Random) {
    this.candidates = candidates;
    this.units = effectiveUnits(candidates);
    this.#random = random;
    this.#byWeight = areEqual(this.units) ? undefined : new AliasTable(this.units);
  }

  /** An index of `candidates` by weight; {@link NONE} when all are excluded. */
  one(exclude: ReadonlySet<C> | undefined): number {
    if (exclude === undefined || exclude.size === 0) return this.#any();
    for (let draw = 0; draw < DRAWS; draw++) {
      const index = this.#any();
      if (!this.#isIn(exclude, index)) return index;
    }
    return this.#amongRest(exclude, NONE);
  }

  /** The target of a unit other than the one `first` was drawn for; {@link NONE} when there is none. */
  another(first: number, exclude: ReadonlySet<C> | undefined): number {
    const isFree = exclude === undefined || exclude.size === 0;
    if (isFree && this.#byWeight === undefined) return this.#besides(first);
    for (let draw = 0; draw < DRAWS; draw++) {
      const index = this.#any();
      if (index === first && this.#isSameUnit(first)) continue;
      if (isFree || !this.#isIn(exclude, index)) return index;
    }
    return this.#amongRest(exclude, first);
  }

  #any(): number {
    if (this.#byWeight !== undefined) return this.#byWeight.draw(this.#random);
    return Math.floor(this.#random() * this.candidates.length);
  }

  #besides(first: number): number {
    const others = this.candidates.length - 1;
    if (others === 0) return NONE;
    const drawn = Math.floor(this.#random() * others);
    return drawn < first ? drawn : drawn + 1;
  }

  #isSameUnit(index: number): boolean {
    return this.#random() * (this.units[index] as number) < 1;
  }

  #isIn(exclude: ReadonlySet<C>, index: number): boolean {
    return exclude.has(this.candidates[index] as C);
  }

  /** Exactly, by two passes: without the excluded, and with one unit less of `first`. */
  #amongRest(exclude: ReadonlySet<C> | undefined, first: number): number {
    let total = 0;
    for (let index = 0; index < this.units.length; index++) {
      total += this.#unitsLeft(index, exclude, first);
    }
    let left = this.#random() * total;
    let last = NONE;
    for (let index = 0; index < this.units.length; index++) {
      const units = this.#unitsLeft(index, exclude, first);
      if (units === 0) continue;
      if (left < units) return index;
      left -= units;
      // Rounding may leave a trace at the end.
      last = index;
    }
    return last;
  }

  #unitsLeft(index: number, exclude: ReadonlySet<C> | undefined, first: number): number {
    if (exclude !== undefined && this.#isIn(exclude, index)) return 0;
    const units = this.units[index] as number;
    return index === first ? Math.max(0, units - 1) : units;
  }
}
