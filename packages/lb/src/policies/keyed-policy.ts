/**
 * What the policies that hash have in common: a key goes to its target, and if that may not be used,
 * always to the same next one.
 *
 * The placement is built of *all* targets, also those that are out at the moment, and each key has a
 * fixed order of preference over them; it gets the first that may be used. Hence a target that is
 * ejected gives away its own keys only, and takes exactly these back: no key moves between two
 * targets that stayed. It also means that an ejection costs nothing: no table is built.
 *
 * A placement is kept for as long as the balancer passes the very same list. It goes by the configured
 * weight alone: if it followed a slow start, keys would move at each step of it.
 *
 * A request without a key is any request: it takes the less loaded of two targets.
 */

import type { Random } from "@headroom/core/random";
import type { Key } from "@headroom/hashing";
import type { Candidate, Picker, PickRequest, Policy } from "../policy.ts";
import { inFlightPerUnit } from "./p2c.ts";
import { TwoChoices } from "./two-choices.ts";

/** What a placement is built of. Its weight stays, whatever becomes of the candidate's. */
export interface KeyedTarget {
  readonly id: string;
  readonly weight: number;
  readonly candidate: Candidate;
}

/** Who may be used for the request that is being placed. */
export interface Usable {
  has(candidate: Candidate): boolean;
}

/** The first usable target in the order of the key; `undefined` when none is usable. */
export type LocateUsable = (key: Key, usable: Usable) => Candidate | undefined;

/** A policy whose placement `place` builds, once for each list of targets. */
export function keyedPolicy(
  name: string,
  random: Random,
  place: (targets: readonly KeyedTarget[]) => LocateUsable,
): Policy {
  const placed = new WeakMap<readonly Candidate[], LocateUsable>();
  const placementOf = (all: readonly Candidate[]): LocateUsable => {
    const locate = placed.get(all) ?? place(keyedTargets(all));
    placed.set(all, locate);
    return locate;
  };
  return {
    name,
    picker: (available, all) =>
      new KeyedPicker(placementOf(all), available, available.length === all.length, random),
  };
}

export function keyedTargets(candidates: readonly Candidate[]): readonly KeyedTarget[] {
  return candidates.map((candidate) => ({
    id: candidate.id,
    weight: candidate.weight,
    candidate,
  }));
}

export class KeyedPicker<C extends Candidate> implements Picker<C> {
  readonly #locate: LocateUsable;
  readonly #usable: UsableNow<C>;
  readonly #withoutKey: Picker<C>;

  /** @param isAll whether `available` is all that `locate` may find. */
  constructor(locate: LocateUsable, available: readonly C[], isAll: boolean, random: Random) {
    this.#locate = locate;
    this.#usable = new UsableNow(isAll ? undefined : new Set(available));
    this.#withoutKey = new TwoChoices(available, random, inFlightPerUnit);
  }

  /** @throws TypeError when the key is neither a string nor bytes. */
  pick(request: PickRequest<C>): C | undefined {
    if (request.key === undefined) return this.#withoutKey.pick(request);
    this.#usable.exclude = request.exclude;
    // The placement knows candidates only as such; all that it has are of this picker's kind.
    return this.#locate(request.key, this.#usable) as C | undefined;
  }
}

/** One for all picks, which are synchronous: so a pick makes no object. */
class UsableNow<C extends Candidate> implements Usable {
  readonly #available: ReadonlySet<Candidate> | undefined;
  exclude: ReadonlySet<C> | undefined;

  /** @param available undefined when all are. */
  constructor(available: ReadonlySet<Candidate> | undefined) {
    this.#available = available;
  }

  has(candidate: Candidate): boolean {
    if (this.#available !== undefined && !this.#available.has(candidate)) return false;
    return !this.exclude?.has(candidate as C);
  }
}
