/**
 * How many workers does this load need?
 *
 * Not the backlog decides but the time to clear it: a thousand jobs of a millisecond are a second's
 * work, ten of a minute are ten minutes'. With `W` the time one job takes and `c` jobs at a time in
 * each worker,
 *
 *     to clear what waits within T      backlog × W / T     slots
 *     to keep up with what arrives      λ × W               slots   (Little's law, L = λW)
 *     workers                           (both) / c
 *
 * The two are added, because while the backlog is cleared jobs go on arriving: with only the larger of
 * them, a load that needs all workers to keep up would never be caught up with.
 *
 * So that a load that trembles does not start and stop workers all the time, fewer are wanted only if
 * the load, and a fifth more, fits in fewer (`hysteresis`); and so that one wrong reading does little,
 * there is a largest step. More load never wants fewer workers.
 *
 * Source of the idea: Laravel Horizon, `AutoScaler.php`, which also scales by time to clear and bounds
 * the shift. J. D. C. Little, "A Proof for the Queuing Formula L = λW", 1961.
 */

/** What is asked of the workers by one queue. */
export interface QueueDemand {
  /** Jobs that are ready and wait. */
  readonly backlog: number;
  /** λ: jobs that are added, in one second. */
  readonly arrivalPerSecond: number;
  /** W: how long one takes. Undefined: not known yet. */
  readonly runtimeMs: number | undefined;
}

export interface ScaleTarget {
  /** What waits is to be done within so long. */
  readonly targetClearMs: number;
  /** Jobs at a time in one worker. */
  readonly concurrency: number;
}

export interface ScaleSignals {
  /** How many there are now. */
  readonly workers: number;
  /** The queues that they all work on. */
  readonly demands: readonly QueueDemand[];
}

export interface ScaleLimits extends ScaleTarget {
  readonly minWorkers: number;
  readonly maxWorkers: number;
  /** At most so many more or fewer at once. */
  readonly maxStep: number;
  /** 0.2: fewer only if the load and a fifth more fits in fewer. */
  readonly hysteresis: number;
}

/**
 * As many as the load needs, to a thousandth: an average of what was long ago never becomes quite 0, and
 * 15.000000000000004 workers are 15. A queue whose jobs' time is not known needs one to find
 * out. O(queues).
 */
export function workersNeeded(demands: readonly QueueDemand[], target: ScaleTarget): number {
  let slots = 0;
  let unknown = 0;
  for (const { backlog, arrivalPerSecond, runtimeMs } of demands) {
    if (runtimeMs === undefined) unknown = Math.max(unknown, Math.min(backlog, 1));
    else slots += runtimeMs * (backlog / target.targetClearMs + arrivalPerSecond / 1_000);
  }
  return Math.max(unknown, Math.round((slots / target.concurrency) * 1_000) / 1_000);
}

/** How many there should be next; a whole number from `minWorkers` to `maxWorkers`. */
export function desiredWorkers(signals: ScaleSignals, limits: ScaleLimits): number {
  const { workers } = signals;
  const needed = workersNeeded(signals.demands, limits);
  const atLeast = Math.ceil(needed);
  const wanted = atLeast > workers ? atLeast : fewer(needed, workers, limits.hysteresis);
  const step = Math.max(-limits.maxStep, Math.min(limits.maxStep, wanted - workers));
  return Math.max(limits.minWorkers, Math.min(limits.maxWorkers, workers + step));
}

function fewer(needed: number, workers: number, hysteresis: number): number {
  return Math.min(workers, Math.ceil(needed * (1 + hysteresis)));
}
