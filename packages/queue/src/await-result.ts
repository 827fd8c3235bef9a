/**
 * Waits for a job to end.
 *
 * The order is what makes it certain: subscribe, and only when events arrive add the job, then look.
 * A job that ends at once is seen by its event, one whose event is lost by the looking, which is
 * repeated; and there is always a deadline. One subscription serves all who wait on a queue, for as
 * long as somebody does.
 */

import type { Clock, Timer } from "@headroom/core/clock";
import { withDeadline } from "@headroom/core/deadline";
import { isHeadroomError } from "@headroom/core/errors";
import { onAbort } from "@headroom/core/on-abort";
import type { QueueDriver, QueueSettings, Subscription } from "./driver.ts";
import type { JobRecord } from "./driver-powers.ts";
import { QueueError } from "./errors.ts";

/** The looking that finds what no event has told. */
const LOOK_MS = 1_000;
const LOOK_AT_MOST_MS = 10_000;

export interface AwaitParts {
  readonly driver: QueueDriver;
  readonly settings: QueueSettings;
  readonly clock: Clock;
}

export interface AwaitOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

export class ResultAwaiter {
  readonly #parts: AwaitParts;
  readonly #waiting = new Map<string, Set<() => void>>();
  #subscription: Subscription | undefined;
  #users = 0;

  constructor(parts: AwaitParts) {
    this.#parts = parts;
  }

  /**
   * Adds a job and waits for its end.
   * @returns its record, done.
   * @throws QueueError `QUEUE_JOB_DEAD`, `QUEUE_RESULT_TIMEOUT`; `signal.reason`.
   */
  async addAndWait(add: () => Promise<string>, options: AwaitOptions): Promise<JobRecord> {
    const { clock } = this.#parts;
    const { timeoutMs, signal } = options;
    const dueMs = clock.monotonicNow() + timeoutMs;
    signal?.throwIfAborted();
    this.#users += 1;
    try {
      const id = await this.#added(add, options);
      return await this.#ended(id, dueMs, options);
    } finally {
      this.#users -= 1;
      if (this.#users === 0) void this.close();
    }
  }

  /** What was asked of a server that is away may be done when it is back. */
  async #added(add: () => Promise<string>, { timeoutMs, signal }: AwaitOptions): Promise<string> {
    const { clock } = this.#parts;
    try {
      const what = "adding the job";
      return await withDeadline({ timeoutMs, signal, what, clock }, async (late) => {
        await this.#subscribed();
        late.throwIfAborted();
        return add();
      });
    } catch (error) {
      if (!isHeadroomError(error, "DEADLINE_EXCEEDED")) throw error;
      throw this.#late("was not added in time; it may be yet");
    }
  }

  async close(): Promise<void> {
    const subscription = this.#subscription;
    this.#subscription = undefined;
    await subscription?.close().catch(() => {});
  }

  /** Without events there is still the looking. */
  async #subscribed(): Promise<void> {
    const { driver, settings } = this.#parts;
    this.#subscription ??= driver.subscribe(settings, ["ended"], (event) => {
      if (event.kind === "ended") for (const wake of this.#waiting.get(event.id) ?? []) wake();
    });
    await this.#subscription.ready.catch(() => {});
  }

  async #ended(id: string, dueMs: number, { signal }: AwaitOptions): Promise<JobRecord> {
    const { clock } = this.#parts;
    for (let lookMs = LOOK_MS; ; lookMs = Math.min(LOOK_AT_MOST_MS, 2 * lookMs)) {
      const event = this.#nextEvent(id, signal);
      try {
        const record = await this.#look(id);
        if (record !== undefined) return record;
        const leftMs = dueMs - clock.monotonicNow();
        if (leftMs <= 0) throw this.#late();
        await event.within(Math.min(leftMs, lookMs));
      } finally {
        event.leave();
      }
      signal?.throwIfAborted();
    }
  }

  /** From now on: an event that comes during the look ends the wait after it at once. */
  #nextEvent(
    id: string,
    signal: AbortSignal | undefined,
  ): { within: (ms: number) => Promise<void>; leave: () => void } {
    let wake = (): void => {};
    const woken = new Promise<void>((resolve) => {
      wake = resolve;
    });
    const waiting = this.#waiting.get(id) ?? new Set();
    this.#waiting.set(id, waiting);
    waiting.add(wake);
    const stopListening =
      signal === undefined || signal.aborted ? undefined : onAbort(signal, wake);
    let timer: Timer | undefined;
    return {
      within: (ms) => {
        if (signal?.aborted) return Promise.resolve();
        timer = this.#parts.clock.timer(wake, ms);
        return woken;
      },
      leave: () => {
        timer?.cancel();
        stopListening?.();
        waiting.delete(wake);
        if (waiting.size === 0) this.#waiting.delete(id);
      },
    };
  }

  /** The record if the job is done; undefined while it is not. A server that fails is asked again. */
  async #look(id: string): Promise<JobRecord | undefined> {
    const { driver, settings } = this.#parts;
    const record = await driver.admin?.find(settings, id).catch(() => undefined);
    if (record?.state === "done") return record;
    if (record?.state !== "dead" && record?.state !== "cancelled") return undefined;
    const why = record.state === "dead" ? `given up (${record.reason})` : "cancelled";
    throw new QueueError(
      "QUEUE_JOB_DEAD",
      settings.name,
      `queue "${settings.name}": the job was ${why}`,
    );
  }

  #late(how = "did not end in time; it goes on"): QueueError {
    const { name } = this.#parts.settings;
    return new QueueError("QUEUE_RESULT_TIMEOUT", name, `queue "${name}": the job ${how}`);
  }
}
