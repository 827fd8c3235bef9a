import type { Candidate, Picker, PickRequest, Policy } from "../policy.ts";
import { type PolicyOptions, requireRandom } from "./policy-options.ts";
import { WeightedDraw } from "./weighted-draw.ts";

/**
 * Chance, by weight. It keeps nothing and knows nothing of load: the yardstick for the others, and
 * enough where there are many requests of equal cost for each target. O(1) a pick.
 *
 * @throws TypeError when an option is unknown or `random` is not a function.
 */
export function random(options: PolicyOptions = {}): Policy {
  const chance = requireRandom("random", options);
  return {
    name: "random",
    picker: (available) => new RandomPicker(new WeightedDraw(available, chance)),
  };
}

class RandomPicker<C extends Candidate> implements Picker<C> {
  readonly #draw: WeightedDraw<C>;

  constructor(draw: WeightedDraw<C>) {
    this.#draw = draw;
  }

  pick({ exclude }: PickRequest<C>): C | undefined {
    return this.#draw.candidates[this.#draw.one(exclude)];
  }
}
