import { type Clock, systemClock } from "@headroom/core/clock";
import { classifyError, type ErrorClass } from "./classify-error.ts";
import type {
  History,
  Intent,
  Lifetime,
  NotOkOperation,
  OkOperation,
  Operation,
} from "./operation.ts";
import { recoveryMs, type Summary, summarize } from "./summary.ts";

/**
 * The log of what a load did and what came of it: the input of every checker and figure.
 *
 * Invariant: an operation is in the history from before its first byte is sent. One that never comes
 * back (its server is paused, the test is over) is there as `unknown`, so that a checker knows it
 * was attempted.
 *
 * The order of events is a counter and not the clock: two events of one millisecond have an order
 * too, and whether a read began before or after an acknowledgement decides whether it may miss it.
 */
export class Recorder {
  readonly #clock: Pick<Clock, "monotonicNow">;
  readonly #seed: number | undefined;
  readonly #entries: Entry[] = [];
  #events = 0;

  constructor(options: RecorderOptions = {}) {
    this.#clock = options.clock ?? systemClock;
    this.#seed = options.seed;
  }

  /**
   * Runs `work` and records how it ended. Never rejects: a load goes on under faults, and what the
   * error means is in the outcome.
   *
   * @param work acknowledges by resolving; whatever it resolves with is the operation's result.
   */
  async run<T>(
    intent: Intent,
    work: () => Promise<T> | T,
    options: RunOptions = {},
  ): Promise<Operation<T>> {
    const { classify = classifyError } = options;
    const entry = this.#begin(intent);
    try {
      const result = await work();
      const acked: OkOperation<T> = { ...this.#end(entry), outcome: "ok", result };
      entry.operation = acked;
      return acked;
    } catch (error) {
      const ended: NotOkOperation = { ...this.#end(entry), outcome: classify(error), error };
      entry.operation = ended;
      return ended;
    }
  }

  /** Records something that came to us by itself and is certain: a job handed to a worker, say. */
  observe(observation: Intent & { readonly result: unknown }): void {
    const { result, ...intent } = observation;
    const entry = this.#begin(intent);
    entry.operation = { ...this.#end(entry), outcome: "ok", result };
  }

  /** All operations until now in the order of their start; those under way are `unknown`. */
  history(): History {
    const now = { endMs: this.nowMs(), endIndex: this.#events };
    return this.#entries.map(
      ({ begun, operation }): Operation =>
        operation ?? { ...begun, ...now, outcome: "unknown", error: STILL_UNDER_WAY },
    );
  }

  /** The time of this log, to mark a fault with. */
  nowMs(): number {
    return this.#clock.monotonicNow();
  }

  /** The counts of the headline, for one kind of operation or for all. */
  summary(kind?: string): Summary {
    return summarize(this.#historyOf(kind), { kind, seed: this.#seed });
  }

  /** How long the service was gone after a fault at `sinceMs` (of {@link nowMs}). */
  recoveryMs(sinceMs: number, kind?: string): number {
    return recoveryMs(this.#historyOf(kind), sinceMs);
  }

  #historyOf(kind: string | undefined): History {
    const history = this.history();
    return kind === undefined ? history : history.filter((operation) => operation.kind === kind);
  }

  #begin(intent: Intent): Entry {
    const entry: Entry = {
      begun: { ...intent, startMs: this.nowMs(), startIndex: this.#nextIndex() },
      operation: undefined,
    };
    this.#entries.push(entry);
    return entry;
  }

  #end({ begun }: Entry): Lifetime {
    return { ...begun, endMs: this.nowMs(), endIndex: this.#nextIndex() };
  }

  #nextIndex(): number {
    this.#events += 1;
    return this.#events - 1;
  }
}

export interface RecorderOptions {
  /** Printed in the summary, so that a figure can be made again. */
  readonly seed?: number | undefined;
  /** The time of the log. The system's unless given. */
  readonly clock?: Pick<Clock, "monotonicNow"> | undefined;
}

export interface RunOptions {
  /** What an error of this operation means. {@link classifyError} unless given. */
  readonly classify?: ((error: unknown) => ErrorClass) | undefined;
}

export function createRecorder(options?: RecorderOptions): Recorder {
  return new Recorder(options);
}

interface Entry {
  readonly begun: Omit<Lifetime, "endMs" | "endIndex">;
  /** Set once it has ended. */
  operation: Operation | undefined;
}

const STILL_UNDER_WAY: Error = new Error("still under way when the history was taken");
