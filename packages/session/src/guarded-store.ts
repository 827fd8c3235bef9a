/**
 * A store that settles in time and says what failed in one way.
 *
 * A session store that hangs would hang every request that touches a session; one that is down would
 * cost each of them the whole time limit. So each call has a deadline, and a circuit that opens
 * after many failures in a row. What was sent may still take effect: after a `SESSION_TIMEOUT`
 * of a commit nobody knows.
 */

import { type Backoff, decorrelatedJitterBackoff } from "@headroom/core/backoff";
import { CircuitBreaker } from "@headroom/core/circuit-breaker";
import type { Clock } from "@headroom/core/clock";
import { DeadlineExceededError } from "@headroom/core/deadline";
import { isHeadroomError } from "@headroom/core/errors";
import type { ForeignSessions } from "./adoption/foreign-sessions.ts";
import { SessionError, storeFailed } from "./errors.ts";
import type { SessionStore } from "./store.ts";

export interface StoreGuardOptions {
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** A store that is back is used within two seconds. */
const AGAIN: Backoff = decorrelatedJitterBackoff({ baseMs: 200, maxMs: 2_000 });

export class StoreGuard {
  readonly #name: string;
  readonly #timeoutMs: number;
  readonly #clock: Clock;
  readonly #circuit: CircuitBreaker;

  constructor(name: string, { timeoutMs, clock }: StoreGuardOptions) {
    this.#name = name;
    this.#timeoutMs = timeoutMs;
    this.#clock = clock;
    this.#circuit = new CircuitBreaker({ name: `session store ${name}`, clock, backoff: AGAIN });
  }

  /** @throws SessionError `SESSION_TIMEOUT` or `SESSION_STORE_FAILED`. */
  async run<Result>(call: () => Promise<Result>): Promise<Result> {
    try {
      return await this.#circuit.run(() => this.#inTime(call));
    } catch (error) {
      throw isHeadroomError(error, "SESSION_TIMEOUT") ? error : storeFailed(this.#name, error);
    }
  }

  /** `withDeadline` without its signal, which no store could heed: this is in the way of every request. */
  #inTime<Result>(call: () => Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      const timer = this.#clock.timer(() => reject(this.#timedOut()), this.#timeoutMs);
      const follow = async (): Promise<void> => {
        try {
          resolve(await call());
        } catch (error) {
          reject(error);
        } finally {
          timer.cancel();
        }
      };
      void follow();
    });
  }

  #timedOut(): SessionError {
    const what = `the session store "${this.#name}"`;
    return new SessionError(
      "SESSION_TIMEOUT",
      `${what} did not answer within ${this.#timeoutMs} ms`,
      {
        retryable: true,
        status: 503,
        cause: new DeadlineExceededError(what, this.#timeoutMs),
      },
    );
  }
}

/** The same store behind a guard. */
export function guardedStore(store: SessionStore, guard: StoreGuard): SessionStore {
  return {
    name: store.name,
    load: (key) => guard.run(() => store.load(key)),
    create: (key, session) => guard.run(() => store.create(key, session)),
    commit: (key, change, touch) => guard.run(() => store.commit(key, change, touch)),
    touch: (key, touch) => guard.run(() => store.touch(key, touch)),
    rotate: (from, to, meta, touch) => guard.run(() => store.rotate(from, to, meta, touch)),
    destroy: (key) => guard.run(() => store.destroy(key)),
  };
}

/** Sessions of another library, behind the same guard. */
export function guardedForeign(from: ForeignSessions, guard: StoreGuard): ForeignSessions {
  return {
    name: from.name,
    load: (id) => guard.run(() => from.load(id)),
    destroy: (id) => guard.run(() => from.destroy(id)),
  };
}
