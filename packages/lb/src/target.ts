/** What a balancer is told of a target, and the check of a list of them. */

import {
  requireCount,
  requireKnownOptions,
  requirePositive,
  requireText,
} from "@headroom/core/options";

/** One target: what it is, and what makes it more or less eligible. */
export interface TargetOptions<T> {
  /** What the balancer hands out: a URL, a client, a pool of connections. */
  readonly target: T;
  /**
   * Unique in its list and the same in every refresh and every process: `"10.0.0.1:3000"`. By it a
   * target keeps its health and its connections; it is shown in errors and telemetry.
   */
  readonly id: string;
  /** How much it gets beside the others; 2 is twice as much as 1. Finite, above 0. @default 1 */
  readonly weight?: number | undefined;
  /** Where it is, for the preference of the own zone: `"eu-west-1a"`. @default none */
  readonly zone?: string | undefined;
  /** 0 is used first, 1 when too few of 0 are healthy. A whole number. @default 0 */
  readonly priority?: number | undefined;
}

/**
 * `list`, as it is, if it may be used as a whole. It may be empty. O(targets).
 *
 * @throws TypeError or RangeError naming the target by its place and what is wrong with it:
 *   `targets[2].weight must be a positive number, got 0`.
 */
export function requireTargets<T>(list: readonly TargetOptions<T>[]): readonly TargetOptions<T>[] {
  if (!Array.isArray(list)) {
    throw new TypeError(`targets must be an array, got ${list === null ? "null" : typeof list}`);
  }
  const places = new Map<string, number>();
  for (const [place, options] of list.entries()) {
    const where = `targets[${place}]`;
    requireTarget(where, options);
    const before = places.get(options.id);
    if (before !== undefined) {
      throw new RangeError(
        `${where}.id must be unique, "${options.id}" is the id of targets[${before}]`,
      );
    }
    places.set(options.id, place);
  }
  return list;
}

function requireTarget<T>(where: string, options: TargetOptions<T>): void {
  requireKnownOptions(where, options, KNOWN_OPTIONS);
  const { target, id, weight = 1, zone, priority = 0 } = options;
  if (target === undefined) throw new TypeError(`${where}.target must be given`);
  requireText(`${where}.id`, id);
  requirePositive(`${where}.weight`, weight);
  if (zone !== undefined) requireText(`${where}.zone`, zone);
  requireCount(`${where}.priority`, priority, { min: 0 });
}

const KNOWN_OPTIONS: readonly (keyof TargetOptions<unknown>)[] = [
  "target",
  "id",
  "weight",
  "zone",
  "priority",
];
