/**
 * Adds jobs of one definition.
 *
 * What is checked is what the worker will read: data become JSON, are read back, and that must fit
 * the schema. A `Date` under `z.date()` thus fails here, where its author sees it, and not in the
 * worker. The JSON of what was *given* is stored, because the worker's schema makes of it the same
 * as ours has; keys are of what the schema made of it.
 *
 * Back-pressure: when the backlog is full, `add` throws `QUEUE_FULL`, or waits, asking again after a
 * growing jittered delay, until there is room or its signal aborts.
 */

import { exponentialBackoff } from "@headroom/core/backoff";
import { queueEnqueue } from "@headroom/core/channels";
import type { Clock } from "@headroom/core/clock";
import {
  requireCount,
  requireKnownOptions,
  requireNonNegative,
  requireSignal,
} from "@headroom/core/options";
import type { Random } from "@headroom/core/random";
import type {
  DedupRule,
  Enqueued,
  JobHeaders,
  NewJob,
  ParentRef,
  QueueDriver,
  QueueSettings,
} from "./driver.ts";
import type { EnqueueBatch } from "./enqueue-batch.ts";
import { AddManyError, QueueError } from "./errors.ts";
import { isJobId } from "./job-id.ts";
import { decodePayload, encodePayload } from "./payload.ts";
import type { DefinitionRules } from "./queue-options.ts";
import { isPending, validated } from "./schema.ts";
import { jobHeaders, type TraceContext } from "./trace-context.ts";
import { DELAY_HEADER } from "./worker/unhandled.ts";

/** Everything that can be said of a job to be added. Which of it a queue has, its type says. */
export interface AnyAddOptions {
  readonly id?: string | undefined;
  readonly delayMs?: number | undefined;
  readonly priority?: number | undefined;
  readonly headers?: JobHeaders | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly tx?: unknown;
}

/** What became of it. `duplicate`: a living job has its dedup key or its id, and is the one named. */
export interface Added {
  readonly id: string;
  readonly outcome: "added" | "duplicate";
}

/** One job of a call of `add` or `addMany`, as middleware sees it. */
export interface Adding {
  readonly data: unknown;
  readonly options: AnyAddOptions;
}

/** A call of `add` or `addMany`. */
export interface AddCall {
  /** The definition's name. */
  readonly name: string;
  readonly queue: string;
  readonly jobs: readonly Adding[];
}

/** Around every `add` and `addMany`: call `next` with the same jobs, or others in their place. */
export type AddMiddleware = (
  call: AddCall,
  next: (call: AddCall) => Promise<readonly Added[]>,
) => Promise<readonly Added[]>;

export interface ProducerParts {
  readonly driver: QueueDriver;
  readonly settings: QueueSettings;
  readonly rules: DefinitionRules;
  /** Shared by the definitions of a physical queue. */
  readonly batch: EnqueueBatch;
  readonly middleware: readonly AddMiddleware[];
  readonly trace: TraceContext | undefined;
  readonly emulateLongDelay: boolean;
  readonly newId: () => string;
  readonly clock: Clock;
  readonly random: Random;
  /** @throws QueueError `QUEUE_CLOSED` */
  readonly requireOpen: () => void;
}

const OPTIONS = ["id", "delayMs", "priority", "headers", "signal", "tx"] as const;
const MOST_AT_ONCE = 1_000;
const LONGEST_KEY = 500;

export class Producer {
  readonly #parts: ProducerParts;
  readonly #backoff = exponentialBackoff({ baseMs: 50, maxMs: 1_000 });

  constructor(parts: ProducerParts) {
    this.#parts = parts;
  }

  async add(data: unknown, options: AnyAddOptions = {}): Promise<Added> {
    requireKnownOptions("add", options, OPTIONS);
    const [added] = await this.#layered([{ data, options }]);
    if (added === undefined) throw new TypeError("a middleware of add returned no outcome");
    return added;
  }

  /** @param signal ends the waiting for room, as `tx` for all of them. */
  async addMany(
    jobs: readonly Adding[],
    shared: { readonly signal?: AbortSignal | undefined; readonly tx?: unknown } = {},
  ): Promise<readonly Added[]> {
    requireKnownOptions("addMany", shared, ["signal", "tx"]);
    return this.#layered(
      jobs.map(({ data, options }) => ({ data, options: { ...options, ...shared } })),
    );
  }

  /**
   * What the driver is given for a job: checked, encoded, named. A promise only if the schema needs
   * one.
   */
  prepare(
    data: unknown,
    options: AnyAddOptions,
    parent?: ParentRef | undefined,
  ): NewJob | Promise<NewJob> {
    const { rules } = this.#parts;
    const { name, maxBytes } = rules;
    const body = encodePayload(name, "data", data, maxBytes);
    if (rules.input === undefined && rules.key === undefined && rules.dedup === undefined) {
      return this.#newJob(body, undefined, options, parent);
    }
    const read = decodePayload(name, "data", body);
    const checked = validated(rules.input, name, "data", read);
    if (!isPending(checked)) return this.#newJob(body, checked, options, parent);
    return checked.then((known) => this.#newJob(body, known, options, parent));
  }

  #layered(jobs: readonly Adding[]): Promise<readonly Added[]> {
    const { middleware, rules } = this.#parts;
    if (middleware.length === 0) return this.#traced(jobs);
    const from = async (at: number, call: AddCall): Promise<readonly Added[]> => {
      const layer = middleware[at];
      if (layer === undefined) return this.#traced(call.jobs);
      return layer(call, (next) => from(at + 1, next));
    };
    return from(0, { name: rules.name, queue: rules.queue, jobs });
  }

  #traced(jobs: readonly Adding[]): Promise<readonly Added[]> {
    const { driver, settings, rules } = this.#parts;
    return queueEnqueue.trace(
      () => ({
        queue: settings.name,
        name: rules.name,
        system: driver.name,
        jobs: jobs.length,
      }),
      async (event) => {
        const added = await this.#addAll(jobs);
        if (event !== undefined) {
          event.duplicates = added.filter(({ outcome }) => outcome === "duplicate").length;
        }
        return added;
      },
    );
  }

  async #addAll(jobs: readonly Adding[]): Promise<readonly Added[]> {
    this.#parts.requireOpen();
    const [first] = jobs;
    if (first === undefined) return [];
    const signal = requireSignal("signal", first.options.signal);
    signal?.throwIfAborted();
    if (jobs.length === 1 && first.options.tx === undefined) {
      const pending = this.prepare(first.data, first.options);
      const job = isPending(pending) ? ((await pending) as NewJob) : pending;
      const outcome = await this.#parts.batch.add(job);
      if (outcome.outcome !== "full") return [outcome];
      return this.#whenFull([job], [outcome], signal, undefined);
    }
    const ready: NewJob[] = [];
    for (const { data, options } of jobs) {
      const pending = this.prepare(data, options);
      ready.push(isPending(pending) ? ((await pending) as NewJob) : pending);
    }
    return this.#sendChunks(ready, signal, first.options.tx);
  }

  async #sendChunks(
    jobs: readonly NewJob[],
    signal: AbortSignal | undefined,
    tx: unknown,
  ): Promise<readonly Added[]> {
    const { driver, settings } = this.#parts;
    const outcomes: Enqueued[] = [];
    try {
      for (let from = 0; from < jobs.length; from += MOST_AT_ONCE) {
        const chunk = jobs.slice(from, from + MOST_AT_ONCE);
        outcomes.push(...(await driver.enqueue(settings, chunk, { tx })));
      }
    } catch (cause) {
      if (jobs.length <= MOST_AT_ONCE) throw cause;
      throw new AddManyError(settings.name, outcomes, jobs.length, cause);
    }
    return this.#whenFull(jobs, outcomes, signal, tx);
  }

  /** Waits with those that found no room, if that is wanted. */
  async #whenFull(
    jobs: readonly NewJob[],
    outcomes: Enqueued[],
    signal: AbortSignal | undefined,
    tx: unknown,
  ): Promise<readonly Added[]> {
    const { driver, settings, rules, clock, random, requireOpen } = this.#parts;
    for (let retry = 1; ; retry++) {
      const full = outcomes.flatMap(({ outcome }, at) => (outcome === "full" ? [at] : []));
      if (full.length === 0) return outcomes as readonly Added[];
      // Waiting inside of a transaction would keep it open for as long.
      if (rules.onFull === "reject" || tx !== undefined) throw this.#full(outcomes);
      const delayMs = this.#backoff(retry, random, 0) * (0.5 + random() / 2);
      await clock.sleep(delayMs, { signal });
      requireOpen();
      const chunk = full.slice(0, MOST_AT_ONCE);
      const again = chunk.flatMap((at) => jobs[at] ?? []);
      const answers = await driver.enqueue(settings, again);
      chunk.forEach((at, index) => {
        outcomes[at] = answers[index] ?? { outcome: "full" };
      });
      if (answers.some(({ outcome }) => outcome !== "full")) retry = 0;
    }
  }

  #full(outcomes: readonly Enqueued[]): QueueError {
    const { name, maxBacklog } = this.#parts.settings;
    if (outcomes.length > 1) return new AddManyError(name, outcomes, outcomes.length, undefined);
    return new QueueError(
      "QUEUE_FULL",
      name,
      `queue "${name}": ${maxBacklog} jobs wait already: add workers, or raise maxBacklog`,
      { retryable: true },
    );
  }

  #newJob(
    body: string,
    data: unknown,
    options: AnyAddOptions,
    parent: ParentRef | undefined,
  ): NewJob {
    const { rules, newId, trace, driver } = this.#parts;
    const { id, delayMs = 0, priority = 0, headers } = options;
    if (id !== undefined && !isJobId(id)) {
      throw new TypeError("id must be 1 to 200 characters without spaces and colons");
    }
    if (options.tx !== undefined && !driver.capabilities.transactions) {
      throw this.#unsupported("tx");
    }
    requireCount("priority", priority, { min: 0 });
    if (priority >= driver.capabilities.priorities) {
      if (driver.capabilities.priorities === 1) throw this.#unsupported("priority");
      throw new RangeError(
        `priority must be below ${driver.capabilities.priorities}, got ${priority}`,
      );
    }
    const longest = this.#delay(requireNonNegative("delayMs", delayMs));
    const travelling = jobHeaders(headers, trace);
    return {
      id: id ?? newId(),
      mayExist: id !== undefined,
      name: rules.name,
      body,
      headers:
        longest === delayMs ? travelling : { ...travelling, [DELAY_HEADER]: String(delayMs) },
      delayMs: longest,
      priority,
      maxAttempts: rules.attempts,
      key: rules.key && this.#text("key", rules.key(data as never)),
      dedup: this.#dedup(data),
      parent,
    };
  }

  #delay(delayMs: number): number {
    const longestMs = this.#parts.driver.capabilities.delayMs;
    if (delayMs <= longestMs) return delayMs;
    if (this.#parts.emulateLongDelay && longestMs > 0) return longestMs;
    throw this.#unsupported(longestMs === 0 ? "delayMs" : `a delayMs above ${longestMs}`);
  }

  #dedup(data: unknown): DedupRule | undefined {
    const { dedup } = this.#parts.rules;
    const key = dedup && this.#text("dedup", dedup.key(data as never));
    return dedup === undefined || key === undefined ? undefined : { key, windowMs: dedup.windowMs };
  }

  #text(what: "key" | "dedup", text: unknown): string | undefined {
    if (text === undefined) return undefined;
    if (typeof text === "string" && text !== "" && text.length <= LONGEST_KEY) return text;
    throw new TypeError(
      `${what} of queue "${this.#parts.rules.name}" must return a string of 1 to ${LONGEST_KEY} characters, or undefined`,
    );
  }

  #unsupported(what: string): QueueError {
    const { driver, rules } = this.#parts;
    return new QueueError(
      "QUEUE_UNSUPPORTED",
      rules.name,
      `queue "${rules.name}": the ${driver.name} driver cannot do ${what}`,
    );
  }
}
