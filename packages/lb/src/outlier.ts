/**
 * Who fails more than the others?
 *
 * Five failures in a row show a target that is dead. One that fails every third request never fails
 * five times in a row; its success rate shows it. But which rate is too low depends on how the
 * others do: when a database is slow all of them fail, and to eject one then is to take away
 * capacity and cure nothing. So a target is judged by comparison, in two ways. One of them is
 * enough:
 *
 * - **It deviates.** Its rate is below the mean of all by more than `stdevFactor` standard
 *   deviations, and by ten points (0.1) at least. This sees small differences, but takes several
 *   targets to know what is usual. The ten points are ours. Among five targets a single one that is
 *   different *at all* is two deviations off, whatever the difference: Envoy's rule would eject a
 *   target for one failure in a thousand; and of twenty alike, by chance about one is always 1.9
 *   deviations low.
 * - **It is bad.** Its rate is below `minSuccessRate`, and it fails at least twice as often as the
 *   best of them. This works from two targets on. And it sees what the deviation cannot: of five
 *   targets, two that fail always move the mean and stretch the deviation so far that neither
 *   stands out.
 *
 * When all fail alike, nobody deviates and the best fails as often as the worst: nobody is singled
 * out. "Twice as often" rather than "the best is all right", because two rates from twenty requests
 * each, 45 % and 50 %, say nothing.
 *
 * This only names them, the worst first. How many may be ejected is `ejection-limit`; over which
 * requests a rate is taken, and from how many on, is `core/success-window`. It sorts, so it is for
 * now and then, not for each request.
 *
 * Sources: Envoy `outlier_detection_impl.cc` (successRateEjectionThreshold) and gRPC A50 (success
 * rate algorithm) for the deviation; linkerd2-proxy `http/breaker/success_rate.rs` for an absolute
 * rate.
 */

/** What is an outlier. */
export interface OutlierRules {
  /** Beyond how many standard deviations below the mean: 1.9 in Envoy. Positive. */
  readonly stdevFactor: number;
  /** With fewer judged targets than this, the deviation says nothing: 5 in Envoy. */
  readonly minHosts: number;
  /** Below this, from 0 to 1, a rate is bad in itself, if others do better. */
  readonly minSuccessRate: number;
}

/** A deviation of less than this much is no reason to do without a target. */
const LEAST_DEVIATION = 0.1;

/**
 * The outliers among targets with these success rates, from 0 (all failed) to 1.
 *
 * @param rates `undefined` for a target with too few requests: it is neither judged nor compared
 *   with.
 * @returns their indexes, the lowest rate first: of `[0.5, 1, 1, undefined, 1, 1]` with Envoy's
 *   figures, `[0]`. O(n log n).
 */
export function findOutliers(
  rates: readonly (number | undefined)[],
  rules: OutlierRules,
): number[] {
  const judged = rates.flatMap((rate, at) => (rate === undefined ? [] : [{ rate, at }]));
  judged.sort((a, b) => a.rate - b.rate);
  const best = judged.at(-1)?.rate ?? 1;
  const usual = usualFrom(
    judged.map(({ rate }) => rate),
    rules,
  );
  return judged.filter(({ rate }) => rate < usual || isBad(rate, best, rules)).map(({ at }) => at);
}

/**
 * Mean and threshold, `mean − stdevFactor × stdev` (of the population): of `[0.5, 1, 1, 1, 1]` and
 * 1.9, 0.9 and 0.52. The threshold may be below 0. There is at least one rate.
 */
export function outlierThreshold(
  rates: readonly number[],
  stdevFactor: number,
): { readonly mean: number; readonly threshold: number } {
  const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
  const variance = rates.reduce((sum, rate) => sum + (rate - mean) ** 2, 0) / rates.length;
  return { mean, threshold: mean - stdevFactor * Math.sqrt(variance) };
}

/** A rate below this deviates. */
function usualFrom(rates: readonly number[], { stdevFactor, minHosts }: OutlierRules): number {
  if (rates.length < minHosts) return Number.NEGATIVE_INFINITY;
  const { mean, threshold } = outlierThreshold(rates, stdevFactor);
  return Math.min(threshold, mean - LEAST_DEVIATION);
}

function isBad(rate: number, best: number, { minSuccessRate }: OutlierRules): boolean {
  return rate < minSuccessRate && 1 - rate >= 2 * (1 - best);
}
