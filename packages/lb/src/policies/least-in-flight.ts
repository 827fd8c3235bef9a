import type { Random } from "@headroom/core/random";
import type { Candidate, Picker, PickRequest, Policy } from "../policy.ts";
import { effectiveWeights } from "./effective-weight.ts";
import { type PolicyOptions, requireRandom } from "./policy-options.ts";

/**
 * The target with the fewest requests in flight for its weight; among equals chance, by weight, so
 * that idle targets get their shares and several processes do not all begin with the first.
 *
 * For long work in few processes, such as a pool of database connections. Linear in the targets; and
 * when many processes balance over the same ones, each sees only its own requests, finds the same
 * target idle and adds to the rush: then `p2c`. Like that, it does not see failures.
 *
 * @throws TypeError when an option is unknown or `random` is not a function.
 */
export function leastInFlight(options: PolicyOptions = {}): Policy {
  const random = requireRandom("leastInFlight", options);
  return {
    name: "least-in-flight",
    picker: (available) => new LeastInFlightPicker(available, random),
  };
}

class LeastInFlightPicker<C extends Candidate> implements Picker<C> {
  readonly #available: readonly C[];
  readonly #weights: Float64Array;
  /** Of the pick being made. Kept, so that a pick makes no objects. */
  readonly #loads: Float64Array;
  readonly #random: Random;

  constructor(available: readonly C[], random: Random) {
    this.#available = available;
    this.#weights = effectiveWeights(available);
    this.#loads = new Float64Array(available.length);
    this.#random = random;
  }

  pick({ exclude }: PickRequest<C>): C | undefined {
    // Read once: in a loop over a hundred targets, private fields cost as much as the work.
    const available = this.#available;
    const weights = this.#weights;
    const loads = this.#loads;
    let least = Number.POSITIVE_INFINITY;
    let tiedWeight = 0;
    for (let index = 0; index < available.length; index++) {
      const candidate = available[index] as C;
      const weight = weights[index] as number;
      // Divided, not multiplied by a reciprocal: 49 / 49 must tie with 1 / 1.
      const load = exclude?.has(candidate) ? Number.POSITIVE_INFINITY : candidate.inFlight / weight;
      loads[index] = load;
      if (load > least) continue;
      tiedWeight = load < least ? weight : tiedWeight + weight;
      least = load;
    }
    return least === Number.POSITIVE_INFINITY ? undefined : this.#drawTied(least, tiedWeight);
  }

  #drawTied(load: number, tiedWeight: number): C | undefined {
    const weights = this.#weights;
    const loads = this.#loads;
    let left = this.#random() * tiedWeight;
    let last: C | undefined;
    for (let index = 0; index < loads.length && left >= 0; index++) {
      if (loads[index] !== load) continue;
      last = this.#available[index];
      left -= weights[index] as number;
    }
    return last;
  }
}
