/**
 * Targets that the application finds out itself: it is told of changes and publishes them, or it asks
 * somebody from time to time.
 *
 * An empty list of these is taken at its word, and one with a mistake in it is refused where it is
 * published.
 */

import { decorrelatedJitterBackoff } from "@headroom/core/backoff";
import { type Clock, systemClock } from "@headroom/core/clock";
import { unlessAborted } from "@headroom/core/on-abort";
import {
  requireClock,
  requireFunction,
  requireKnownOptions,
  requirePositive,
} from "@headroom/core/options";
import { type Random, systemRandom } from "@headroom/core/random";
import type { Discovery } from "../discovery.ts";
import { requireTargets, type TargetOptions } from "../target.ts";
import { poll } from "./poll.ts";

/** A discovery that says what `publish` was given. */
export interface TargetFeed<T> {
  /**
   * These are all targets now. Until the first call, whoever follows waits.
   * @throws TypeError or RangeError when the list has a mistake in it; then nothing changes.
   */
  publish(list: readonly TargetOptions<T>[]): void;
  /**
   * For `targets` of any number of balancers. Each hears of the last list at once and of every later
   * one; of several that were published before it could listen, only of the last.
   */
  readonly discovery: Discovery<T>;
}

/** A {@link TargetFeed}: `watcher.on("change", (pods) => feed.publish(pods.map(toTarget)))`. */
export function targetFeed<T>(): TargetFeed<T> {
  let published: readonly TargetOptions<T>[] | undefined;
  const waiting = new Set<() => void>();
  return {
    publish(list) {
      published = [...requireTargets(list)];
      for (const wake of waiting) wake();
      waiting.clear();
    },
    discovery: async function* (signal) {
      let heard: readonly TargetOptions<T>[] | undefined;
      for (;;) {
        if (published === heard) await nextChange(waiting, signal);
        heard = published;
        if (heard !== undefined) yield heard;
      }
    },
  };
}

async function nextChange(waiting: Set<() => void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  let wake: (() => void) | undefined;
  try {
    await unlessAborted(
      signal,
      () =>
        new Promise<void>((resolve) => {
          wake = resolve;
          waiting.add(resolve);
        }),
    );
  } finally {
    if (wake !== undefined) waiting.delete(wake);
  }
}

export interface PolledTargetsOptions {
  /**
   * From one answer to the next question, in milliseconds; up to a tenth less, at random. After a
   * failure the wait grows from a second to this.
   * @default 30_000
   */
  readonly intervalMs?: number | undefined;
  /** How long one question may take, in milliseconds. @default 10_000 */
  readonly timeoutMs?: number | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
  /** @default systemRandom */
  readonly random?: Random | undefined;
}

/**
 * Asks `fetch` from time to time: a registry, a cloud's API, a table. Its `signal` aborts when the
 * time is over or the balancer closes; a `fetch` that goes on all the same is not waited for.
 *
 * @throws TypeError or RangeError naming the option that is unknown or out of its range.
 */
export function polledTargets<T>(
  fetch: (signal: AbortSignal) => PromiseLike<readonly TargetOptions<T>[]>,
  options: PolledTargetsOptions = {},
): Discovery<T> {
  requireFunction("fetch", fetch);
  requireKnownOptions("polledTargets", options, ["intervalMs", "timeoutMs", "clock", "random"]);
  const intervalMs = requirePositive("intervalMs", options.intervalMs ?? 30_000);
  const rules = {
    what: "asking for the targets",
    timeoutMs: requirePositive("timeoutMs", options.timeoutMs ?? 10_000),
    backoff: decorrelatedJitterBackoff({ baseMs: Math.min(1_000, intervalMs), maxMs: intervalMs }),
    clock: requireClock("clock", options.clock ?? systemClock),
    random: requireFunction("random", options.random ?? systemRandom),
  };
  const ask = async (signal: AbortSignal) => ({
    targets: requireTargets(await fetch(signal)),
    validMs: intervalMs,
    failures: [],
  });
  return poll(() => ask, rules);
}
