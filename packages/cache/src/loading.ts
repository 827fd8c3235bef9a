/**
 * One call of the application's loader: what it is told, what it may say besides the value, and
 * how long it may take.
 */

import type { Clock } from "@headroom/core/clock";
import { requireNonNegative, requireText } from "@headroom/core/options";
import { CacheLoadTimeoutError } from "./errors.ts";

/** What a loader gets beside the identity of what it is to load. */
export interface LoadContext<Value = unknown> {
  /** Aborts at the time limit, or when every caller has left. Pass it on. */
  readonly signal: AbortSignal;
  /** The value that this load replaces, for a conditional request; absent at a first load. */
  readonly stale: StaleValue<Value> | undefined;
  /**
   * True while an invalidation holds (`holdForMs`): a replica may lag behind it, so read from the
   * primary. What is loaded now is returned and not stored.
   */
  readonly afterInvalidation: boolean;
  /** Keep this value so long instead of `ttlMs`; 0 is not at all. */
  setTtlMs(ttlMs: number): void;
  /** Tags of this value besides those of the definition. */
  addTags(...tags: readonly string[]): void;
  /** Comes back as `stale.validator` at the next load: an ETag, a version, a date. */
  setValidator(validator: string): void;
  /**
   * The stale value again, fresh from now on: `return ctx.notModified()`. Keeps its validator.
   * @throws TypeError when there is none.
   */
  notModified(): Value;
}

export interface StaleValue<Value> {
  readonly value: Value;
  readonly validator: string | undefined;
  /** Milliseconds since it was stored. */
  readonly ageMs: number;
}

/** What came out of a load. */
export interface Loaded {
  readonly value: unknown;
  readonly loadMs: number;
  /** What the loader asked for, if it did. */
  readonly ttlMs: number | undefined;
  readonly tags: readonly string[];
  readonly validator: string | undefined;
}

export class Loading implements LoadContext {
  readonly signal: AbortSignal;
  readonly stale: StaleValue<unknown> | undefined;
  readonly afterInvalidation: boolean;
  readonly #tags: string[] = [];
  #ttlMs: number | undefined;
  #validator: string | undefined;

  constructor(
    signal: AbortSignal,
    stale: StaleValue<unknown> | undefined,
    afterInvalidation: boolean,
  ) {
    this.signal = signal;
    this.stale = stale;
    this.afterInvalidation = afterInvalidation;
  }

  setTtlMs(ttlMs: number): void {
    this.#ttlMs = requireNonNegative("ttlMs", ttlMs);
  }

  addTags(...tags: readonly string[]): void {
    for (const tag of tags) this.#tags.push(requireText("tag", tag));
  }

  setValidator(validator: string): void {
    this.#validator = requireText("validator", validator);
  }

  notModified(): unknown {
    if (this.stale === undefined) {
      throw new TypeError("notModified() needs a stale value: ctx.stale was undefined");
    }
    this.#validator ??= this.stale.validator;
    return this.stale.value;
  }

  loaded(value: unknown, loadMs: number): Loaded {
    return {
      value,
      loadMs,
      ttlMs: this.#ttlMs,
      tags: this.#tags,
      validator: this.#validator,
    };
  }
}

/**
 * Calls `load` and settles as it does, or at the time limit: then `controller` aborts, and what the
 * loader still does goes unseen.
 */
export function callLoader(
  load: (context: Loading) => unknown,
  context: Loading,
  controller: AbortController,
  limits: { readonly name: string; readonly timeoutMs: number; readonly clock: Clock },
): Promise<Loaded> {
  const { name, timeoutMs, clock } = limits;
  const startMs = clock.monotonicNow();
  return new Promise((resolve, reject) => {
    const timer = clock.timer(() => {
      controller.abort(new CacheLoadTimeoutError(name, timeoutMs));
    }, timeoutMs);
    const fail = (reason: unknown): void => {
      timer.cancel();
      reject(reason);
    };
    controller.signal.addEventListener("abort", () => fail(controller.signal.reason), {
      once: true,
    });
    const attempt = async (): Promise<unknown> => load(context);
    attempt().then((value) => {
      timer.cancel();
      resolve(context.loaded(value, clock.monotonicNow() - startMs));
    }, fail);
  });
}
