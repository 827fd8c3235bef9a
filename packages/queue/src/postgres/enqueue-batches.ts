/**
 * Many callers, one statement.
 *
 * A web server adds jobs one by one, in many requests at a time. What is added to a queue in one turn
 * of the event loop goes to the server together: each call gets the outcomes of its own jobs, and if
 * the statement fails, all of them fail. A call alone waits for nothing but the end of its turn.
 */

import { afterThisTurn } from "@headroom/core/clock";
import type { Enqueued, NewJob, QueueSettings } from "../driver.ts";

type Send = (settings: QueueSettings, jobs: readonly NewJob[]) => Promise<readonly Enqueued[]>;

interface Call {
  readonly settings: QueueSettings;
  readonly jobs: readonly NewJob[];
  readonly resolve: (outcomes: readonly Enqueued[]) => void;
  readonly reject: (reason: unknown) => void;
}

/** In one statement: enough to make the round trip cheap, and not so many that others wait for long. */
const MOST_JOBS = 1_000;
const MOST_CHARACTERS = 4_000_000;

export class EnqueueBatches {
  readonly #send: Send;
  readonly #batches = new Map<string, Call[]>();

  constructor(send: Send) {
    this.#send = send;
  }

  add(settings: QueueSettings, jobs: readonly NewJob[]): Promise<readonly Enqueued[]> {
    return new Promise((resolve, reject) => {
      const call = { settings, jobs, resolve, reject };
      const name = `${settings.name} ${settings.maxBacklog ?? ""}`;
      const batch = this.#batches.get(name);
      if (batch !== undefined) {
        batch.push(call);
        return;
      }
      this.#batches.set(name, [call]);
      afterThisTurn(() => this.#flush(name));
    });
  }

  #flush(name: string): void {
    const calls = this.#batches.get(name) ?? [];
    this.#batches.delete(name);
    let together: Call[] = [];
    let size = 0;
    let characters = 0;
    for (const call of calls) {
      const length = call.jobs.reduce((sum, { body }) => sum + body.length, 0);
      if (
        together.length > 0 &&
        (size + call.jobs.length > MOST_JOBS || characters + length > MOST_CHARACTERS)
      ) {
        void this.#sendTogether(together);
        together = [];
        size = 0;
        characters = 0;
      }
      together.push(call);
      size += call.jobs.length;
      characters += length;
    }
    void this.#sendTogether(together);
  }

  async #sendTogether(calls: readonly Call[]): Promise<void> {
    const [first] = calls;
    if (first === undefined) return;
    try {
      const outcomes = await this.#send(
        first.settings,
        calls.flatMap(({ jobs }) => jobs),
      );
      let from = 0;
      for (const { jobs, resolve } of calls) {
        resolve(outcomes.slice(from, from + jobs.length));
        from += jobs.length;
      }
    } catch (error) {
      for (const { reject } of calls) reject(error);
    }
  }
}
