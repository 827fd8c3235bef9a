/**
 * Not calling what is known to be down.
 *
 * A dependency that hangs or fails takes its callers with it: each waits for a timeout, holding
 * memory and connections, and together they keep the dependency from recovering. A circuit breaker
 * counts failures; after too many it *opens*, and calls are refused at once, so that the caller can
 * do something else. After a while it lets one call through, the probe (*half-open*). If that
 * succeeds the circuit *closes*; if not, it stays open for longer.
 *
 * Two triggers, because each misses what the other sees: failures in a row (a dead dependency, in
 * five calls) and the success rate over a window (one that fails every second call, and never
 * twice in a row).
 *
 * Invariants:
 * - Only results of the present state count. Each permit knows the state that it was given in, so
 *   calls that were hanging while the circuit opened cannot close it, or open it again later.
 * - There is one probe at a time, and the circuit cannot be wedged by it: a probe that is abandoned
 *   is replaced by the next call, one that never ends by the first call after `probeTimeoutMs`.
 * - A caller that gives up says nothing about the dependency and is not counted. A *timeout* is.
 *
 * There are no timers: an open circuit is found to be due for its probe by the call that becomes
 * the probe. It protects one process from one dependency; to choose between several servers of one
 * kind, see `health`.
 *
 * Sources: M. Nygard, "Release It!" (the pattern); linkerd2-proxy `http/breaker/unified.rs` (both
 * triggers, single probe); growth of the open time by decorrelated jitter, see `backoff`.
 */

import {
  type CircuitBreakerOptions,
  type CircuitRules,
  type CircuitStatus,
  circuitRules,
} from "./circuit-breaker-options.ts";
import { HeadroomError, isHeadroomError, redactUrl } from "./errors.ts";
import { unlessAborted } from "./on-abort.ts";
import { requireSignal } from "./options.ts";
import { SuccessWindow } from "./success-window.ts";

export type {
  CircuitBreakerOptions,
  CircuitChange,
  CircuitStatus,
} from "./circuit-breaker-options.ts";

/** How a call ended; `abandoned`: without a verdict, because its caller gave up. */
export type CallOutcome = "success" | "failure" | "abandoned";

const OUTCOMES: readonly CallOutcome[] = ["success", "failure", "abandoned"];

/** The right to make one call. */
export interface Permit {
  /**
   * Reports how the call ended. Only the first report counts.
   * @throws TypeError when `outcome` is none.
   */
  done(outcome: CallOutcome): void;
}

/** `CIRCUIT_OPEN`: the call was not made, because those before it failed. */
export class CircuitOpenError extends HeadroomError<"CIRCUIT_OPEN"> {
  /** The name of the circuit. */
  readonly circuit: string;
  /**
   * Whole milliseconds until a call may be let through; 0 while a probe is under way, because
   * nobody knows when that ends.
   */
  readonly retryAfterMs: number;

  static {
    Object.defineProperty(CircuitOpenError.prototype, "name", { value: "CircuitOpenError" });
  }

  constructor(circuit: string, retryAfterMs: number) {
    const when = retryAfterMs > 0 ? `in ${retryAfterMs} ms` : "when the probe has ended";
    const message = `circuit "${circuit}" is open after repeated failures, the call was not made`;
    super("CIRCUIT_OPEN", `${message}: try again ${when}`, { retryable: true });
    this.circuit = redactUrl(circuit);
    this.retryAfterMs = retryAfterMs;
  }
}

type State =
  | { readonly status: "closed"; failuresInARow: number }
  | {
      readonly status: "open" | "half-open";
      /** The first call from here on is a probe: the open time is over, or the last probe is lost. */
      readonly nextProbeMs: number;
      readonly openings: number;
      readonly openMs: number;
    };

/** Guards the calls to one dependency. */
export class CircuitBreaker {
  readonly #rules: CircuitRules;
  readonly #window: SuccessWindow;
  #state: State = { status: "closed", failuresInARow: 0 };

  /** @throws TypeError or RangeError when an option is unknown or out of its range. */
  constructor(options: CircuitBreakerOptions) {
    this.#rules = circuitRules(options);
    const { windowMs, minRequests } = options;
    this.#window = new SuccessWindow({ windowMs, minRequests });
  }

  /** An open circuit stays "open" until a call comes after its time; that call is the probe. */
  get status(): CircuitStatus {
    return this.#state.status;
  }

  /**
   * Calls `fn`, without arguments, if the circuit lets it, and counts how it ends.
   *
   * When `signal` aborts, `run` rejects at once and `fn` is abandoned. That is a failure if the
   * reason is a timeout (`DEADLINE_EXCEEDED`, or a `TimeoutError`), else it is not counted.
   *
   * @throws CircuitOpenError `CIRCUIT_OPEN`; `fn` was not called.
   * @throws `signal.reason`, unwrapped, once `signal` has aborted.
   * @throws what `fn` throws or rejects with.
   */
  async run<Result>(
    fn: () => Result | PromiseLike<Result>,
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<Result> {
    const signal = requireSignal("signal", options.signal);
    signal?.throwIfAborted();
    const permit = this.tryAcquire();
    if (permit === undefined) throw new CircuitOpenError(this.#rules.name, this.#retryAfterMs());
    let result: Result;
    try {
      result = await (signal === undefined ? fn() : unlessAborted(signal, () => fn()));
    } catch (error) {
      permit.done(signal?.aborted ? outcomeOfAbort(signal.reason) : this.#outcomeOf(error));
      throw error;
    }
    permit.done("success");
    return result;
  }

  /**
   * For calls that do not fit into a function, such as a stream: a permit to make one, or
   * `undefined` when the circuit refuses. O(1).
   */
  tryAcquire(): Permit | undefined {
    const state = this.#state;
    if (state.status === "closed") return this.#permitIn(state);
    const nowMs = this.#rules.clock.monotonicNow();
    if (nowMs < state.nextProbeMs) return undefined;
    const nextProbeMs = nowMs + this.#rules.probeTimeoutMs;
    return this.#permitIn(this.#enter({ ...state, status: "half-open", nextProbeMs }));
  }

  #permitIn(state: State): Permit {
    let isDone = false;
    return {
      done: (outcome) => {
        if (!OUTCOMES.includes(outcome)) throw unknownOutcome(outcome);
        if (isDone) return;
        isDone = true;
        if (state === this.#state) this.#settle(state, outcome);
      },
    };
  }

  #settle(state: State, outcome: CallOutcome): void {
    const nowMs = this.#rules.clock.monotonicNow();
    if (state.status === "closed") this.#count(state, outcome, nowMs);
    else if (outcome === "failure") this.#open(state.openings, state.openMs, nowMs);
    else if (outcome === "success") this.#enter({ status: "closed", failuresInARow: 0 });
    else this.#enter({ ...state, nextProbeMs: nowMs });
  }

  #count(state: State & { status: "closed" }, outcome: CallOutcome, nowMs: number): void {
    if (outcome === "abandoned") return;
    const succeeded = outcome === "success";
    this.#window.record(succeeded, nowMs);
    state.failuresInARow = succeeded ? 0 : state.failuresInARow + 1;
    if (succeeded) return;
    const { consecutiveFailures, minSuccessRate } = this.#rules;
    const rate = this.#window.rateAt(nowMs) ?? 1;
    if (state.failuresInARow < consecutiveFailures && rate >= minSuccessRate) return;
    this.#window.clear();
    this.#open(0, 0, nowMs);
  }

  #open(openingsBefore: number, openMsBefore: number, nowMs: number): void {
    const openings = openingsBefore + 1;
    const { backoff, random } = this.#rules;
    const openMs = backoff(openings, random, openMsBefore);
    this.#enter({ status: "open", nextProbeMs: nowMs + openMs, openings, openMs });
  }

  #enter(state: State): State {
    const from = this.#state.status;
    const to = state.status;
    this.#state = state;
    if (from !== to) this.#rules.onStateChange({ name: this.#rules.name, from, to });
    return state;
  }

  #retryAfterMs(): number {
    if (this.#state.status !== "open") return 0;
    return Math.ceil(Math.max(0, this.#state.nextProbeMs - this.#rules.clock.monotonicNow()));
  }

  #outcomeOf(error: unknown): CallOutcome {
    return this.#rules.isFailure(error) ? "failure" : "success";
  }
}

function unknownOutcome(outcome: unknown): TypeError {
  return new TypeError(`outcome must be one of ${OUTCOMES.join(", ")}, got ${String(outcome)}`);
}

/** A dependency that makes its callers give up after the agreed time has failed. */
function outcomeOfAbort(reason: unknown): CallOutcome {
  const isTimeout =
    isHeadroomError(reason, "DEADLINE_EXCEEDED") ||
    (reason instanceof Error && reason.name === "TimeoutError");
  return isTimeout ? "failure" : "abandoned";
}
