/**
 * The power of two choices: draw two, take the less loaded.
 *
 * Asking all targets for their load and taking the least is linear, and wrong where several
 * processes balance over the same targets: each sees only its own requests, so all of them find the
 * same target idle and rush to it. Drawing one at random is blind. Two draws and one comparison
 * avoid both: with n requests on n targets the fullest has about log log n instead of log n / log
 * log n, and nobody is ever *the* choice of everyone.
 *
 * Two *different* units are compared (`weighted-draw.ts`), as in Finagle. Envoy draws with
 * replacement, so that a busy target is compared with itself in one draw of n and gets that
 * request: of two targets the busy one has 25 % there, of three 11 %; here nothing, as long
 * as the others are idle. That is why our shares differ from Envoy's where loads differ. Where
 * they do not, both give each target its share of the weights: a tie goes to the first drawn, which
 * is drawn by weight.
 *
 * Load is compared *per unit* of weight: a target of weight 2 with two requests is as loaded as one of
 * weight 1 with one. While a target starts slowly, it is drawn as its effective weight says, and each
 * request it has under way counts 1 / share times. Of only two targets of equal weight both are always
 * drawn; then only the second holds: one at a tenth of its share gets one request at a time until the
 * other has ten.
 *
 * Sources: M. Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", IEEE TPDS 12(10),
 * 2001; Finagle `loadbalancer/p2c/P2CPick.scala`; Envoy
 * `least_request/least_request_lb_simulation_test.cc`.
 */

import type { Random } from "@headroom/core/random";
import type { Candidate, Picker, PickRequest } from "../policy.ts";
import { NONE, WeightedDraw } from "./weighted-draw.ts";

/**
 * How loaded a target is; only compared, so of any scale.
 *
 * @param units how many units of weight it has; below 1 while it starts slowly.
 */
export type LoadOf = (candidate: Candidate, units: number, nowMs: number) => number;

/** O(1), and without `exclude` a pick allocates nothing. Who is alone is not asked for its load. */
export class TwoChoices<C extends Candidate> implements Picker<C> {
  readonly #draw: WeightedDraw<C>;
  readonly #loadOf: LoadOf;

  constructor(available: readonly C[], random: Random, loadOf: LoadOf) {
    this.#draw = new WeightedDraw(available, random);
    this.#loadOf = loadOf;
  }

  pick({ nowMs, exclude }: PickRequest<C>): C | undefined {
    const { candidates, units } = this.#draw;
    const first = this.#draw.one(exclude);
    if (first === NONE) return undefined;
    const second = this.#draw.another(first, exclude);
    if (second === NONE || second === first) return candidates[first];
    const one = candidates[first] as C;
    const other = candidates[second] as C;
    const loadOfOne = this.#loadOf(one, units[first] as number, nowMs);
    const loadOfOther = this.#loadOf(other, units[second] as number, nowMs);
    return loadOfOther < loadOfOne ? other : one;
  }
}
