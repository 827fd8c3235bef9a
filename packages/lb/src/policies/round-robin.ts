import type { Random } from "@headroom/core/random";
import type { Candidate, Picker, PickRequest, Policy } from "../policy.ts";
import { areEqual, effectiveWeights } from "./effective-weight.ts";
import { type PolicyOptions, requireRandom } from "./policy-options.ts";
import { smoothWeightedRoundRobin } from "./smooth-weighted-round-robin.ts";

/**
 * Everyone in turn, O(1). Where weights differ, or somebody starts slowly, the turns are smooth
 * weighted ones and linear in the targets.
 *
 * A change of the targets does not begin again with the first: the next is whoever follows the one
 * that was picked last. Otherwise a target that comes and goes would keep those at the end of the list idle.
 * The very first is random, so that processes started together do not march in step.
 *
 * It knows nothing of load or failures: a slow target gets as much as a fast one.
 *
 * @throws TypeError when an option is unknown or `random` is not a function.
 */
export function roundRobin(options: PolicyOptions = {}): Policy {
  const random = requireRandom("roundRobin", options);
  const smooth = smoothWeightedRoundRobin({ random });
  const cursor: Cursor = { last: undefined };
  return {
    name: "round-robin",
    picker: (available, all) =>
      areEqual(effectiveWeights(available))
        ? new TurnPicker(available, startAfter(cursor.last, available, all, random), cursor)
        : smooth.picker(available, all),
  };
}

/** Who was picked last, by any picker of the policy. */
interface Cursor {
  last: Candidate | undefined;
}

class TurnPicker<C extends Candidate> implements Picker<C> {
  readonly #available: readonly C[];
  readonly #cursor: Cursor;
  #next: number;

  constructor(available: readonly C[], next: number, cursor: Cursor) {
    this.#available = available;
    this.#next = next;
    this.#cursor = cursor;
  }

  pick({ exclude }: PickRequest<C>): C | undefined {
    for (let left = this.#available.length; left > 0; left--) {
      const candidate = this.#available[this.#next] as C;
      this.#next = this.#next + 1 < this.#available.length ? this.#next + 1 : 0;
      if (exclude?.has(candidate)) continue;
      this.#cursor.last = candidate;
      return candidate;
    }
    return undefined;
  }
}

/** The index of the first available one after `last` in the order of `all`; random if that is gone. */
function startAfter(
  last: Candidate | undefined,
  available: readonly Candidate[],
  all: readonly Candidate[],
  random: Random,
): number {
  const from = last === undefined ? -1 : all.indexOf(last);
  if (from >= 0) {
    const places = new Map(available.map((candidate, index) => [candidate, index]));
    for (let step = 1; step <= all.length; step++) {
      const place = places.get(all[(from + step) % all.length] as Candidate);
      if (place !== undefined) return place;
    }
  }
  return Math.floor(random() * available.length);
}
