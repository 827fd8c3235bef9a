/**
 * How many of a hundred requests each priority gets.
 *
 * Targets of priority 0 are meant to carry everything, those of priority 1 what 0 cannot, and so
 * on. To fail over at once, all here or all there, would throw the whole load on a standby that is
 * cold, and back again when a target or two return. So the load moves by degrees:
 *
 * 1. The *fitness* of a level is its healthy share × the overprovisioning factor, at most 100 %.
 *    The factor says how much bigger a level is than it has to be: with 1.4, one of which 72 % is
 *    healthy can still carry everything.
 * 2. In order of priority, each level gets as much as it is fit for, until all is given out.
 * 3. When all levels together are not fit for all, what each gets is scaled up to 100 %. Only then
 *    may a level *panic*: if less than the panic threshold of it is healthy, health is ignored and
 *    all its targets are used. The few healthy ones would be crushed by the load of all, fail, and
 *    be found unhealthy too; and when so many fail together, the reason is rarely the targets.
 * 4. When every level panics, nothing is known about anyone: the load is spread by size.
 *
 * Loads are whole percents, as in Envoy, rounded down; what rounding leaves goes to the first level
 * that has a part. They add up to 100. Where every part is less than a percent, as of one healthy
 * target in two hundred, the first level that has anybody to pick takes everything. The one exception:
 * with a panic threshold of 0 and nothing healthy anywhere nobody may be picked, and all loads are 0
 * (Envoy says 100 for priority 0 in both cases, and then may find nobody there).
 *
 * It is assumed that each level can stand in for the one before it, whatever its size: a priority 1
 * of two targets gets all the load of a priority 0 of ten that is down.
 *
 * Source: Envoy `load_balancer_impl.cc` (recalculatePerPriorityState, recalculatePerPriorityPanic,
 * recalculateLoadInTotalPanic), without its degraded hosts. Where its `priority.rst` and
 * `panic_threshold.rst` round or reckon otherwise, its code and tests count.
 */

/** One level of priority, as far as it matters here. */
export interface PriorityHealth {
  /** How much of it is in rotation, by number or by weight: 0 to 1; 0 when it is empty. */
  readonly healthyShare: number;
  /** How many targets it has, in rotation or not, without those that drain. */
  readonly size: number;
}

export interface PriorityLoad {
  /** Of a hundred requests, how many go to each level: whole numbers. */
  readonly loads: readonly number[];
  /** Whether the health of the targets of a level is ignored. */
  readonly panics: readonly boolean[];
}

export interface PriorityRules {
  /** A finite number of at least 1: how much bigger a level is than it has to be. */
  readonly overprovisioning: number;
  /** From 0 (never) to 1 (when anyone is missing): a level less healthy than this may panic. */
  readonly panicThreshold: number;
}

/** `100 × 1.4 × 47/70` is 93.99999999999999; no count of targets comes this near by itself. */
const ROUNDING = 1e-9;

/**
 * The load of each level, the first priority first: with a factor of 1.4, `[70, 30]` when half of
 * the first is healthy and all of the second. O(levels).
 */
export function priorityLoad(
  levels: readonly PriorityHealth[],
  { overprovisioning, panicThreshold }: PriorityRules,
): PriorityLoad {
  const fitness = levels.map(({ healthyShare }) => fitnessOf(healthyShare, overprovisioning));
  const totalFitness = Math.min(100, sum(fitness));
  const panics = levels.map(
    ({ healthyShare }) => totalFitness < 100 && healthyShare < panicThreshold,
  );
  if (!panics.every(Boolean)) {
    const isUnfit = totalFitness === 0;
    const parts = isUnfit ? allToFirst(levels, panics) : fitness;
    return { loads: distribute(parts, isUnfit ? sum(parts) : totalFitness), panics };
  }
  const sizes = levels.map(({ size }) => size);
  return { loads: distribute(sizes, sum(sizes)), panics };
}

/** In whole percent. */
function fitnessOf(healthyShare: number, overprovisioning: number): number {
  return Math.min(100, Math.floor(100 * overprovisioning * healthyShare + ROUNDING));
}

/** A part for the first level with somebody to pick, none for the others. */
function allToFirst(levels: readonly PriorityHealth[], panics: readonly boolean[]): number[] {
  const first = levels.findIndex(
    ({ healthyShare, size }, at) => (panics[at] ? size : healthyShare) > 0,
  );
  return levels.map((_, at) => (at === first ? 1 : 0));
}

/** Gives each its part of `whole`, in percent, as long as something is left of the hundred. */
function distribute(parts: readonly number[], whole: number): number[] {
  let left = whole > 0 ? 100 : 0;
  const loads: number[] = [];
  for (const part of parts) {
    const load = left > 0 ? Math.min(left, Math.floor((100 * part) / whole)) : 0;
    loads.push(load);
    left -= load;
  }
  const first = parts.findIndex((part) => part > 0);
  return left === 0 ? loads : loads.with(first, (loads[first] ?? 0) + left);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
