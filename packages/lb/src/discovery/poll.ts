/**
 * A discovery that asks again and again.
 *
 * Whom it asks says how long the answer holds. The next question comes a little earlier than that, by
 * a random part of a tenth: processes that were started together, by one deployment, would otherwise
 * ask together for as long as they live. A question that failed is asked again after a growing,
 * random wait; it is never asked because a *target* failed, so an outage of the targets is no storm on
 * whoever knows them.
 */

import type { Backoff } from "@headroom/core/backoff";
import type { Clock } from "@headroom/core/clock";
import { withDeadline } from "@headroom/core/deadline";
import type { Random } from "@headroom/core/random";
import type { Discovery } from "../discovery.ts";
import type { TargetOptions } from "../target.ts";

/** All targets there are, and until when that is true. */
export interface PollAnswer<T> {
  readonly targets: readonly TargetOptions<T>[];
  /** How long, in milliseconds. `Infinity`: for ever, nobody asks again. */
  readonly validMs: number;
  /** What could not be found out this time, so that `targets` repeats what was known before. */
  readonly failures: readonly unknown[];
}

/** `signal` aborts when the time is over or nobody wants the answer any more. */
export type Ask<T> = (signal: AbortSignal) => Promise<PollAnswer<T>>;

export interface PollRules {
  /** What is done, for the error when it takes too long: `"looking up api.internal"`. */
  readonly what: string;
  /** How long one question may take, in milliseconds. */
  readonly timeoutMs: number;
  /** The wait after a failure; never longer than an answer holds. */
  readonly backoff: Backoff;
  readonly clock: Clock;
  readonly random: Random;
}

const JITTER = 0.1;

/** @param begin gives what is asked in one life of the discovery, and remembered between questions. */
export function poll<T>(begin: () => Ask<T>, rules: PollRules): Discovery<T> {
  const { what, timeoutMs, backoff, clock, random } = rules;
  return async function* (signal) {
    const ask = begin();
    let failuresInARow = 0;
    let backoffMs = 0;
    for (;;) {
      let validMs = Number.POSITIVE_INFINITY;
      let failures: readonly unknown[];
      try {
        const answer = await withDeadline({ timeoutMs, signal, what, clock }, ask);
        ({ validMs, failures } = answer);
        yield answer.targets;
      } catch (error) {
        signal.throwIfAborted();
        failures = [error];
      }
      for (const failed of failures) yield { failed };
      if (failures.length === 0) {
        failuresInARow = 0;
        backoffMs = 0;
        if (validMs === Number.POSITIVE_INFINITY) return;
        await clock.sleep(validMs * (1 - JITTER * random()), { signal });
      } else {
        failuresInARow++;
        backoffMs = backoff(failuresInARow, random, backoffMs);
        await clock.sleep(Math.min(backoffMs, validMs), { signal });
      }
    }
  };
}
