/**
 * What stands between the cache and a server that may hang: a deadline on every operation, and a
 * circuit that opens after too many failures, so that a dead server costs its callers nothing.
 *
 * A timeout counts as a failure, and so does every error of the server: one that is loading, full,
 * read-only or not the owner of a key is of no use as a cache, whatever its connection does.
 */

import { CircuitBreaker, type CircuitBreakerOptions } from "@headroom/core/circuit-breaker";
import type { Clock } from "@headroom/core/clock";
import { isHeadroomError } from "@headroom/core/errors";
import { OperationDeadlines } from "@headroom/core/operation-deadlines";
import { CacheStoreTimeoutError } from "./errors.ts";

/** When the circuit of a server opens, and for how long. */
export type StoreCircuitOptions = Omit<CircuitBreakerOptions, "name" | "clock" | "isFailure">;

export interface OperationGuardOptions {
  /** The server's name, for errors: `"redis"`. */
  readonly name: string;
  readonly timeoutMs: number;
  readonly circuit: StoreCircuitOptions;
  readonly clock: Clock;
  /** Makes what is rejected with of what the client rejects with. */
  readonly errorOf: (error: unknown) => unknown;
  /** Told each operation that has run out of time. */
  readonly onTimeout?: (() => void) | undefined;
}

/** Guards the operations on one server. */
export class OperationGuard {
  readonly #circuit: CircuitBreaker;
  readonly #deadlines: OperationDeadlines;
  readonly #errorOf: (error: unknown) => unknown;

  constructor(options: OperationGuardOptions) {
    const { name, timeoutMs, circuit, clock, errorOf, onTimeout } = options;
    this.#circuit = new CircuitBreaker({ ...circuit, name, clock });
    this.#deadlines = new OperationDeadlines(timeoutMs, clock, () => {
      onTimeout?.();
      return new CacheStoreTimeoutError(name, timeoutMs);
    });
    this.#errorOf = errorOf;
  }

  /** Whether the server is thought to be well. */
  get isClosed(): boolean {
    return this.#circuit.status === "closed";
  }

  /**
   * Runs `operation` and settles in time.
   *
   * @param late told a result that came after its time, to undo what nobody has waited for.
   * @throws CircuitOpenError `CIRCUIT_OPEN`; it was not run.
   * @throws CacheStoreTimeoutError `CACHE_STORE_TIMEOUT`; it may still take effect.
   * @throws what `errorOf` makes of its failure.
   */
  run<Result>(operation: () => Promise<Result>, late?: (result: Result) => void): Promise<Result> {
    const permit = this.#circuit.tryAcquire();
    // The circuit itself says why it refuses and until when.
    if (permit === undefined) return this.#circuit.run(() => this.run(operation, late));
    const ended = (error: unknown, failed: boolean): unknown => {
      permit.done(failed ? "failure" : "success");
      return !failed || isHeadroomError(error) ? error : this.#errorOf(error);
    };
    return this.#deadlines.limit(started(operation), ended, late);
  }
}

function started<Result>(operation: () => Promise<Result>): Promise<Result> {
  try {
    return operation();
  } catch (error) {
    return Promise.reject(error);
  }
}
