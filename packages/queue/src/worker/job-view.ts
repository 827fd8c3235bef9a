/** What a handler sees of an attempt: the job, and what may be done with it. */

import type { ClaimedJob, QueueDriver, QueueSettings } from "../driver.ts";
import { QueueError } from "../errors.ts";
import type { BatchJob, ChildResult, Job, JobContext } from "../job.ts";
import { decodePayload, encodePayload } from "../payload.ts";
import type { DefinitionRules } from "../queue-options.ts";
import type { Attempt } from "./attempt.ts";
import { keepsResult, resultText } from "./result.ts";
import { leaseLost } from "./running-jobs.ts";

export interface ViewParts {
  readonly driver: QueueDriver;
  readonly settings: QueueSettings;
}

const MOST_PROGRESS_BYTES = 16_000;

export function jobView(job: ClaimedJob, data: unknown): Job {
  return {
    id: job.id,
    name: job.name,
    data,
    attempt: job.attempt,
    maxAttempts: job.maxAttempts,
    headers: job.headers,
    priority: job.priority,
    key: job.key,
    addedAtMs: job.addedAtMs,
    waitedMs: job.waitedMs,
  };
}

export function batchJobView(job: ClaimedJob, data: unknown, context: JobContext): BatchJob {
  return { ...jobView(job, data), context };
}

/** Its functions are bound when they are asked for: handlers take it apart, and most use none. */
export class AttemptContext implements JobContext {
  readonly #attempt: Attempt;
  readonly #rules: DefinitionRules;
  readonly #parts: ViewParts;

  constructor(attempt: Attempt, rules: DefinitionRules, parts: ViewParts) {
    this.#attempt = attempt;
    this.#rules = rules;
    this.#parts = parts;
  }

  get signal(): AbortSignal {
    return this.#attempt.signal;
  }

  get fence(): string {
    return this.#attempt.job.token;
  }

  get progress(): JobContext["progress"] {
    return (value) => this.#progress(value);
  }

  get completeIn(): JobContext["completeIn"] {
    return (tx, result) => this.#completeIn(tx, result);
  }

  get children(): JobContext["children"] {
    return () => this.#children();
  }

  async #progress(value: unknown): Promise<void> {
    const { driver, settings } = this.#parts;
    if (driver.admin === undefined) throw unsupported(settings.name, "progress", driver.name);
    const text = encodePayload(settings.name, "progress", value, MOST_PROGRESS_BYTES);
    this.#requireLease();
    const { id, token } = this.#attempt.job;
    if (!(await driver.admin.progress(settings, { id, token }, text))) throw this.#leaseLost();
  }

  async #completeIn(tx: unknown, result?: unknown): Promise<void> {
    const { driver, settings } = this.#parts;
    if (!driver.capabilities.transactions) {
      throw unsupported(settings.name, "completeIn", driver.name);
    }
    if (this.#attempt.job.parent !== undefined) {
      throw unsupported(settings.name, "completeIn for a child of a flow", driver.name);
    }
    const kept = keepsResult(this.#rules, driver, this.#attempt.job);
    const text = kept ? await resultText(this.#rules, settings.name, result) : undefined;
    this.#requireLease();
    const { job } = this.#attempt;
    // From here on the row may be locked by the transaction: the heartbeat must not wait for it.
    this.#attempt.completedInTx = true;
    try {
      const verdict = { kind: "done", result: text } as const;
      const { outcomes } = await driver.settle(settings, [{ job, verdict }], { tx });
      if (outcomes[0] !== "settled") throw this.#leaseLost();
    } catch (error) {
      this.#attempt.completedInTx = false;
      throw error;
    }
  }

  async #children(): Promise<readonly ChildResult[]> {
    const { driver, settings } = this.#parts;
    if (driver.flows === undefined) throw unsupported(settings.name, "children", driver.name);
    const children = await driver.flows.children(settings, this.#attempt.job.id);
    return children.map(({ queue, id, outcome }) => ({
      queue,
      id,
      outcome:
        outcome?.kind === "done"
          ? {
              kind: "done",
              result:
                outcome.result === undefined
                  ? undefined
                  : decodePayload(queue, "the result of a child", outcome.result),
            }
          : outcome,
    }));
  }

  #requireLease(): void {
    if (this.#attempt.gone || this.#attempt.stage === "over") throw this.#leaseLost();
  }

  #leaseLost(): QueueError {
    return leaseLost(this.#parts.settings.name);
  }
}

function unsupported(queue: string, what: string, driver: string): QueueError {
  return new QueueError("QUEUE_UNSUPPORTED", queue, `queue "${queue}": ${driver} has no ${what}`);
}
