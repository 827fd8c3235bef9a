/**
 * Runs handlers, and makes a verdict of what they return or throw.
 *
 * Each attempt that is run is told ended exactly once, never before `run` has returned unless the
 * handler is synchronous. On the way nothing is a promise that need not be one: data that a
 * synchronous schema accepts go straight to the handler, and the only promises of a job are the
 * handler's own and the one that waits for it.
 */

import { type QueueProcess, queueProcess } from "@headroom/core/channels";
import { isHeadroomError } from "@headroom/core/errors";
import type { Random } from "@headroom/core/random";
import type { DeadReason, Verdict } from "../driver.ts";
import type { BatchHandler, Handler, JobContext, JobMiddleware } from "../job.ts";
import { decodePayload } from "../payload.ts";
import type { DefinitionRules } from "../queue-options.ts";
import { isPending, validated } from "../schema.ts";
import type { Attempt } from "./attempt.ts";
import { AttemptContext, jobView, type ViewParts } from "./job-view.ts";
import { withMiddleware } from "./middleware.ts";
import { keepsResult, resultText } from "./result.ts";
import { failedVerdict, failureOf } from "./retry-policy.ts";

/** How jobs of one definition are handled by this worker. */
export interface HandlerEntry {
  readonly rules: DefinitionRules;
  readonly handler: Handler | BatchHandler;
}

export interface RunnerParts extends ViewParts {
  readonly middleware: readonly JobMiddleware[];
  readonly random: Random;
  /** @param error what the handler threw. */
  readonly ended: (attempt: Attempt, verdict: Verdict, error: unknown) => void;
}

export class JobRunner {
  readonly #parts: RunnerParts;

  constructor(parts: RunnerParts) {
    this.#parts = parts;
  }

  run(rules: DefinitionRules, handler: Handler, attempt: Attempt): void {
    let outcome: unknown;
    try {
      outcome = queueProcess.hasSubscribers
        ? this.#traced(rules, handler, attempt)
        : this.#invoke(rules, handler, attempt);
    } catch (error) {
      this.failed(rules, attempt, error);
      return;
    }
    if (isThenable(outcome)) {
      outcome.then(
        (result) => this.done(rules, attempt, result),
        (error: unknown) => this.failed(rules, attempt, error),
      );
    } else this.done(rules, attempt, outcome);
  }

  /**
   * The data of a job as its handler gets them.
   * @throws as `decodePayload` and the schema do; what cannot ever fit has its verdict by then.
   */
  data(rules: DefinitionRules, attempt: Attempt): unknown {
    const { settings } = this.#parts;
    try {
      const read = decodePayload(settings.name, "data", attempt.job.body);
      const data = validated(rules.input, settings.name, "data", read);
      if (!isPending(data)) return data;
      return data.catch((error: unknown) => {
        this.#noteInvalid(attempt, error);
        throw error;
      });
    } catch (error) {
      this.#noteInvalid(attempt, error);
      throw error;
    }
  }

  context(rules: DefinitionRules, attempt: Attempt): JobContext {
    return new AttemptContext(attempt, rules, this.#parts);
  }

  done(rules: DefinitionRules, attempt: Attempt, result: unknown): void {
    const { driver, settings, ended } = this.#parts;
    if (!keepsResult(rules, driver, attempt.job)) {
      ended(attempt, DONE, undefined);
      return;
    }
    const finish = (text: string | undefined): void =>
      ended(attempt, { kind: "done", result: text }, undefined);
    const refuse = (error: unknown): void => {
      this.#noteInvalid(attempt, error);
      this.failed(rules, attempt, error);
    };
    let text: string | undefined | Promise<string | undefined>;
    try {
      text = resultText(rules, settings.name, result);
    } catch (error) {
      refuse(error);
      return;
    }
    if (isPending(text)) text.then(finish, refuse);
    else finish(text);
  }

  failed(rules: DefinitionRules, attempt: Attempt, error: unknown): void {
    const verdict = attempt.verdict ?? this.failure(rules, attempt, error);
    this.#parts.ended(attempt, verdict, error);
  }

  failure(
    rules: DefinitionRules,
    attempt: Attempt,
    error: unknown,
    exhausted?: DeadReason,
  ): Verdict {
    const { random, driver } = this.#parts;
    const longestMs = driver.capabilities.delayMs;
    return failedVerdict(attempt.job, error, rules, random, longestMs, exhausted);
  }

  get middleware(): readonly JobMiddleware[] {
    return this.#parts.middleware;
  }

  #invoke(rules: DefinitionRules, handler: Handler, attempt: Attempt): unknown {
    const data = this.data(rules, attempt);
    if (isPending(data)) return data.then((known) => this.#handle(rules, handler, attempt, known));
    return this.#handle(rules, handler, attempt, data);
  }

  #handle(rules: DefinitionRules, handler: Handler, attempt: Attempt, data: unknown): unknown {
    const job = jobView(attempt.job, data);
    const context = this.context(rules, attempt);
    const { middleware } = this.#parts;
    if (middleware.length === 0) return handler(job, context);
    return withMiddleware(middleware, job, context, async () => handler(job, context));
  }

  #traced(rules: DefinitionRules, handler: Handler, attempt: Attempt): Promise<unknown> {
    const { job } = attempt;
    const build = (): QueueProcess => ({
      queue: this.#parts.settings.name,
      name: job.name,
      system: this.#parts.driver.name,
      attempt: job.attempt,
      waitedMs: job.waitedMs,
      jobs: 1,
    });
    return queueProcess.trace(build, async (event) => {
      try {
        const result = await this.#invoke(rules, handler, attempt);
        if (event !== undefined) event.outcome = "done";
        return result;
      } catch (error) {
        attempt.verdict ??= this.failure(rules, attempt, error);
        if (event !== undefined) event.outcome = outcomeOf(attempt);
        throw error;
      }
    });
  }

  /** Data that do not fit will not fit the next time either. */
  #noteInvalid(attempt: Attempt, error: unknown): void {
    if (!isHeadroomError(error) || !FOR_EVER.has(error.code)) return;
    attempt.verdict = { kind: "dead", reason: "invalid", failure: failureOf(error) };
  }
}

const DONE: Verdict = Object.freeze({ kind: "done", result: undefined });
const FOR_EVER: ReadonlySet<string> = new Set(["QUEUE_INVALID", "QUEUE_VALUE", "QUEUE_TOO_LARGE"]);

/** As telemetry has it: what the worker itself aborted has not failed by its handler. */
export function outcomeOf(attempt: Attempt): NonNullable<QueueProcess["outcome"]> {
  if (attempt.aborted?.code === "QUEUE_CANCELLED") return "cancelled";
  if (attempt.gone) return "lost";
  if (attempt.aborted?.code === "QUEUE_STOPPING") return "released";
  return attempt.verdict?.kind === "dead" ? "dead" : "retried";
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    "then" in value &&
    typeof value.then === "function"
  );
}
