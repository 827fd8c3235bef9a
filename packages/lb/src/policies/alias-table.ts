/**
 * One of n by weight in constant time: the alias method.
 *
 * Cut the total weight into n slots of equal size. Each slot can be filled by at most two: a light one
 * who fits into it whole, and a heavy one who lends the rest. To draw, take a slot evenly, then one of
 * its two by how the slot is divided. One random number does both: its whole part is the slot, its
 * fraction the place inside. Adding weights up and searching would take log n steps, each a branch
 * that the processor cannot guess.
 *
 * Sources: A. J. Walker, "An Efficient Method for Generating Discrete Random Variables with General
 * Distributions", ACM TOMS 3(3), 1977; the linear construction: M. D. Vose, "A Linear Algorithm For
 * Generating Random Numbers With a Given Distribution", IEEE TSE 17(9), 1991.
 */

import type { Random } from "@headroom/core/random";

export class AliasTable {
  /** For each slot, which part of it is its own. */
  readonly #own: Float64Array;
  /** For each slot, who has the rest. */
  readonly #lender: Uint32Array;

  /** @param weights at least one, each finite and above 0. Linear in their number. */
  constructor(weights: Float64Array) {
    const size = weights.length;
    const mean = weights.reduce((sum, weight) => sum + weight, 0) / size;
    this.#own = weights.map((weight) => weight / mean);
    this.#lender = Uint32Array.from(weights, (_, index) => index);
    const light: number[] = [];
    const heavy: number[] = [];
    for (let index = 0; index < size; index++) {
      (this.#part(index) < 1 ? light : heavy).push(index);
    }
    this.#fill(light, heavy);
  }

  #fill(light: number[], heavy: number[]): void {
    let lender = heavy.pop();
    for (let slot = light.pop(); slot !== undefined && lender !== undefined; slot = light.pop()) {
      this.#lender[slot] = lender;
      const left = this.#part(lender) - (1 - this.#part(slot));
      this.#own[lender] = left;
      if (left >= 1) continue;
      light.push(lender);
      lender = heavy.pop();
    }
    // A slot that is left on either side lacks a rounding error and lends to itself.
  }

  #part(index: number): number {
    return this.#own[index] as number;
  }

  /** An index of the weights, by their part of the total: O(1), one random number. */
  draw(random: Random): number {
    const place = random() * this.#own.length;
    const slot = Math.floor(place);
    return place - slot < (this.#own[slot] as number) ? slot : (this.#lender[slot] as number);
  }
}
