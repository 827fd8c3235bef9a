/**
 * The application's loader behind its limits: a deadline, a throttle after failures, and a stale
 * value for those who would wait too long.
 */

import { cacheLoad } from "@headroom/core/channels";
import { ErrorThrottle } from "./error-throttle.ts";
import type { Flight } from "./flight.ts";
import { freshFor } from "./freshness.ts";
import { callLoader, type Loaded, Loading } from "./loading.ts";
import type { CacheEntry, LocalEntry } from "./local-entry.ts";
import type { ReadRules } from "./read-rules.ts";
import type { Counters } from "./stats.ts";

/** What is to be read, and how it is loaded. */
export interface Call {
  /** Its name in the process. */
  readonly key: string;
  /** Its name in the store. */
  readonly storeKey: string;
  readonly rules: ReadRules;
  load(context: Loading): unknown;
  /** It does not load now: those it was to be loaded together with need not wait for it. */
  readonly leave?: (() => void) | undefined;
}

export class Source {
  readonly #name: string;
  readonly #counters: Counters;
  readonly #failures: ErrorThrottle;

  constructor(name: string, errorThrottleMs: number, counters: Counters) {
    this.#name = name;
    this.#counters = counters;
    this.#failures = new ErrorThrottle(errorThrottleMs);
  }

  /**
   * Loads for everyone who waits for this flight.
   * @param stale what is replaced, and may be served when the load takes longer than `softTimeoutMs`.
   * @throws what the loader throws, or has thrown a moment before; CacheLoadTimeoutError.
   */
  async load(
    flight: Flight,
    call: Call,
    stale: LocalEntry | undefined,
    afterInvalidation: boolean,
  ): Promise<Loaded> {
    const { clock, loadTimeoutMs: timeoutMs } = call.rules;
    const recent = this.#failures.recent(call.key, clock.monotonicNow());
    if (recent !== undefined) {
      this.#counters.throttled++;
      throw recent.reason;
    }
    const name = this.#name;
    const context = new Loading(
      flight.controller.signal,
      staleValue(stale, clock.now()),
      afterInvalidation,
    );
    const soft = stale && this.#answerSoftly(flight, stale, call.rules);
    this.#counters.loads++;
    try {
      return await cacheLoad.trace(
        () => ({ cache: name }),
        () =>
          callLoader((own) => call.load(own), context, flight.controller, {
            name,
            timeoutMs,
            clock,
          }),
      );
    } catch (reason) {
      this.#counters.loadErrors++;
      if (flight.current) this.#failures.failed(call.key, reason, clock.monotonicNow());
      throw reason;
    } finally {
      soft?.cancel();
    }
  }

  /** The next load is tried whatever has failed. */
  forget(key: string): void {
    this.#failures.forget(key);
  }

  forgetAll(): void {
    this.#failures.clear();
  }

  #answerSoftly(
    flight: Flight,
    stale: LocalEntry,
    rules: ReadRules,
  ): { cancel(): void } | undefined {
    const { clock, softTimeoutMs, loadTimeoutMs } = rules;
    if (softTimeoutMs >= loadTimeoutMs) return undefined;
    return clock.timer(() => {
      if (flight.answered || !mayServe(flight, stale, rules)) return;
      this.#counters.stale++;
      flight.keepFlying().answer(stale.value);
    }, softTimeoutMs);
  }
}

/** Whether a value past its time may still be served because its load fails or hangs. */
export function mayServe(flight: Flight, stale: LocalEntry, rules: ReadRules): boolean {
  return flight.current && stale.intact && rules.clock.monotonicNow() < stale.errorUntilMs;
}

/** What is to be kept of a load; undefined: nothing is. */
export function entryOf(
  loaded: Loaded,
  sequence: number,
  rules: ReadRules,
): CacheEntry | undefined {
  const { value } = loaded;
  const ttlMs = loaded.ttlMs ?? (value === undefined ? rules.absentTtlMs : rules.ttlMs);
  if (ttlMs <= 0) return undefined;
  return {
    value: rules.protect(value),
    sequence,
    tags: rules.tagsOf(value, loaded.tags),
    storedAtMs: rules.clock.now(),
    freshForMs: freshFor(rules, ttlMs, rules.random),
    loadMs: loaded.loadMs,
    validator: loaded.validator,
  };
}

function staleValue(stale: LocalEntry | undefined, nowMs: number): Loading["stale"] {
  return (
    stale && {
      value: stale.value,
      validator: stale.entry.validator,
      ageMs: Math.max(0, nowMs - stale.entry.storedAtMs),
    }
  );
}
