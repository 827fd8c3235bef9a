/**
 * Where targets come from when they change while the application runs.
 *
 * A {@link Discovery} is a function that answers with an async iterable of whole lists: every list
 * replaces the one before. An async generator is one:
 *
 *     async function* (signal) {
 *       for await (const pods of watchPods({ signal })) yield pods.map(toTarget);
 *     }
 *
 * A discovery fails more often than the targets that it finds, and a balancer that believed each of its
 * failures would throw healthy servers away. So {@link followDiscovery} keeps one rule: **the last
 * good list stays until there is another good list.**
 *
 * - A discovery that knows that it failed yields `{ failed: error }` and goes on when it can.
 * - One that throws is reported and started again after a growing, random wait.
 * - A list with a mistake in it (an id twice, a weight of 0) is reported and none of it is used.
 * - One that ends has said its last word.
 *
 * An empty list is no failure here: whoever yields it says that there are no targets. The discoveries
 * for which nothing usually means that something is broken, those over DNS, report a failure.
 */

import { type Backoff, decorrelatedJitterBackoff } from "@headroom/core/backoff";
import { type Clock, systemClock } from "@headroom/core/clock";
import { unlessAborted } from "@headroom/core/on-abort";
import { requireFunction } from "@headroom/core/options";
import { type Random, systemRandom } from "@headroom/core/random";
import { requireTargets, type TargetOptions } from "./target.ts";

/** Called once for each balancer that follows it, and again after it threw. */
export type Discovery<T> = (signal: AbortSignal) => AsyncIterable<DiscoveryUpdate<T>>;

/** All targets there are, or that this could not be found out. */
export type DiscoveryUpdate<T> = readonly TargetOptions<T>[] | DiscoveryFailure;

/** The targets could not be found out now; `failed` is why. */
export interface DiscoveryFailure {
  readonly failed: unknown;
}

/** Who is told. */
export interface DiscoveryListener<T> {
  /** All targets there are, checked. What it throws is reported to `failed`. */
  targets(list: readonly TargetOptions<T>[]): void;
  /** The last list stays. Must not throw. */
  failed(error: unknown): void;
}

export interface FollowOptions {
  /** Ends the following: nobody is told of anything afterwards. */
  readonly signal: AbortSignal;
  /**
   * The wait before a discovery that threw is started again.
   * @default decorrelated jitter, from 1 s to 60 s
   */
  readonly backoff?: Backoff | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
  /** @default systemRandom */
  readonly random?: Random | undefined;
}

const DEFAULT_BACKOFF = decorrelatedJitterBackoff({ baseMs: 1_000, maxMs: 60_000 });

/**
 * Tells `listener` what `discovery` finds, until it ends or `signal` aborts. Resolves then, at once
 * also when the discovery ignores its signal.
 *
 * @throws TypeError when an option is wrong. Nothing that the discovery does makes it reject.
 */
export async function followDiscovery<T>(
  discovery: Discovery<T>,
  listener: DiscoveryListener<T>,
  options: FollowOptions,
): Promise<void> {
  requireFunction("discovery", discovery);
  const { signal, backoff = DEFAULT_BACKOFF } = options;
  const { clock = systemClock, random = systemRandom } = options;
  const heard = { lists: 0, failuresInARow: 0, backoffMs: 0 };
  while (!signal.aborted) {
    try {
      await hearAll(discovery, signal, (update) => {
        if (!tell(listener, update)) return;
        heard.lists++;
        heard.failuresInARow = 0;
        heard.backoffMs = 0;
      });
      if (heard.lists === 0) listener.failed(new Error("the discovery ended without a list"));
      return;
    } catch (error) {
      if (signal.aborted) return;
      listener.failed(error);
    }
    heard.failuresInARow++;
    heard.backoffMs = backoff(heard.failuresInARow, random, heard.backoffMs);
    await clock.sleep(heard.backoffMs, { signal }).catch((error) => {
      if (!signal.aborted) throw error;
    });
  }
}

/** One life of the discovery. Resolves when it ends; rejects as it does, or with `signal.reason`. */
async function hearAll<T>(
  discovery: Discovery<T>,
  signal: AbortSignal,
  hear: (update: DiscoveryUpdate<T>) => void,
): Promise<void> {
  const updates = discovery(signal)[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { done, value } = await unlessAborted(signal, () => updates.next());
      if (done) return;
      signal.throwIfAborted();
      hear(value);
      signal.throwIfAborted();
    }
  } finally {
    if (signal.aborted) letGo(updates);
  }
}

/** Lets a generator run its `finally`. One that hangs, or fails at that, must not hold us up. */
function letGo(updates: AsyncIterator<unknown>): void {
  Promise.resolve()
    .then(() => updates.return?.())
    .catch(() => {});
}

/** Whether it was a good list. */
function tell<T>(listener: DiscoveryListener<T>, update: DiscoveryUpdate<T>): boolean {
  if (isFailure(update)) {
    listener.failed(update.failed);
    return false;
  }
  try {
    listener.targets(requireTargets(update));
    return true;
  } catch (error) {
    listener.failed(error);
    return false;
  }
}

export function isFailure<T>(update: DiscoveryUpdate<T>): update is DiscoveryFailure {
  return typeof update === "object" && update !== null && "failed" in update;
}
