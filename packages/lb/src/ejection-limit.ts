/**
 * How many targets may be out at the same time.
 *
 * A target that fails is ejected so that requests go where they succeed. When many fail together,
 * the reason is seldom in each of them: a database that all of them use, a bad deployment, a
 * request that breaks whoever gets it. To eject them all would leave the load of all to the last
 * one, and then to nobody. So ejection for failed requests has a limit:
 *
 * - at most a share of the targets (a half by default);
 * - but always one, if there are two or more: a tenth of four targets, rounded down, would switch
 *   ejection off without a word;
 * - never the last one in rotation.
 *
 * With the default, ejection alone never brings about a panic (less than half healthy). Failed
 * active checks do not ask here: they may find a whole level unfit, and that is what panic is for.
 *
 * Sources: gRPC A50 (max_ejection_percent, at least one), Envoy outlier detection
 * (always_eject_one_host).
 */

/** `100 × 0.29` is 28.999999999999996. */
const ROUNDING = 1e-9;

/**
 * Whether one more may be ejected, when `ejected` of `total` targets are out already. Targets that
 * drain are in neither number.
 *
 * @param maxEjectedShare from 0 (one at most) to 1 (all but one).
 */
export function mayEject(ejected: number, total: number, maxEjectedShare = 0.5): boolean {
  const byShare = Math.floor(total * maxEjectedShare + ROUNDING);
  return ejected < Math.min(total - 1, Math.max(1, byShare));
}
