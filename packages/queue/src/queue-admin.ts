/** Looking after a physical queue: what is in it, and what is to become of that. */

import { requireCount, requireKnownOptions, requireOneOf } from "@headroom/core/options";
import type { DeadReason, JobHeaders, QueueDriver, QueueSettings } from "./driver.ts";
import type { JobAdmin, JobRecord, JobState, PastFailure } from "./driver-powers.ts";
import { QueueError } from "./errors.ts";
import { decodePayload } from "./payload.ts";

/** What is known of a job. */
export interface JobInfo {
  readonly id: string;
  readonly name: string;
  readonly state: JobState;
  /** As it was added; undefined if it cannot be read. */
  readonly data: unknown;
  readonly headers: JobHeaders;
  /** Attempts that were begun. */
  readonly attempts: number;
  readonly maxAttempts: number;
  readonly priority: number;
  readonly key: string | undefined;
  readonly addedAtMs: number;
  readonly endedAtMs: number | undefined;
  readonly progress: unknown;
  readonly result: unknown;
  readonly reason: DeadReason | undefined;
  /** The last failed attempts, oldest first. */
  readonly history: readonly PastFailure[];
}

export interface JobInfoPage {
  readonly jobs: readonly JobInfo[];
  /** Give it for the next page; undefined on the last. */
  readonly cursor: string | undefined;
}

export interface ListOptions {
  /** @default 100 */
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

/** Jobs that were given up. Of a physical queue: of all definitions that share it. */
export interface DeadLetters {
  /** Oldest first. */
  list(options?: ListOptions): Promise<JobInfoPage>;
  /** They are ready again, with all their attempts. Returns how many. @default the oldest 1000 */
  redrive(
    which?: { readonly ids: readonly string[] } | { readonly limit: number },
  ): Promise<number>;
  /** Deletes them all. Returns how many. */
  purge(): Promise<number>;
}

/** Where `capabilities.admin`. Of a physical queue: of all definitions that share it. */
export interface QueueAdmin {
  find(id: string): Promise<JobInfo | undefined>;
  list(state: JobState, options?: ListOptions): Promise<JobInfoPage>;
  /** Ends a job that has not ended; one that runs is told by its signal. False: there is none. */
  cancel(id: string): Promise<boolean>;
  /** Nothing is claimed by any process until `resume`. Jobs that run go on. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Deletes the jobs that wait, or those of these states. Returns how many. */
  purge(states?: readonly Exclude<JobState, "active">[]): Promise<number>;
}

const STATES = ["held", "delayed", "ready", "active", "done", "dead", "cancelled"] as const;
const WAITING: readonly JobState[] = ["ready", "delayed", "held"];

export class PhysicalAdmin implements QueueAdmin {
  readonly #driver: QueueDriver;
  readonly #settings: QueueSettings;
  readonly dead: DeadLetters;

  constructor(driver: QueueDriver, settings: QueueSettings) {
    this.#driver = driver;
    this.#settings = settings;
    this.dead = {
      list: (options) => this.list("dead", options),
      redrive: (which = { limit: 1_000 }) => this.#dead().redrive(settings, which),
      purge: () => this.#dead().purge(settings, ["dead"]),
    };
  }

  async find(id: string): Promise<JobInfo | undefined> {
    const record = await this.#admin("find").find(this.#settings, id);
    return record && jobInfo(record);
  }

  async list(state: JobState, options: ListOptions = {}): Promise<JobInfoPage> {
    requireOneOf("state", state, STATES);
    requireKnownOptions("list", options, ["limit", "cursor"]);
    const limit = requireCount("limit", options.limit ?? 100);
    const page = await this.#admin("list").list(this.#settings, state, {
      limit,
      cursor: options.cursor,
    });
    return { jobs: page.jobs.map(jobInfo), cursor: page.cursor };
  }

  async cancel(id: string): Promise<boolean> {
    return this.#admin("cancel").cancel(this.#settings, id);
  }

  async pause(): Promise<void> {
    await this.#admin("pause").pause(this.#settings);
  }

  async resume(): Promise<void> {
    await this.#admin("resume").resume(this.#settings);
  }

  async purge(states: readonly JobState[] = WAITING): Promise<number> {
    for (const state of states) requireOneOf("states", state, STATES);
    if (states.includes("active")) throw new TypeError("active jobs cannot be purged: cancel them");
    return this.#admin("purge").purge(this.#settings, states);
  }

  #dead(): JobAdmin {
    if (!this.#driver.capabilities.deadLetters) throw this.#unsupported("dead letters");
    return this.#admin("dead letters");
  }

  #admin(what: string): JobAdmin {
    const { admin } = this.#driver;
    if (admin === undefined) throw this.#unsupported(what);
    return admin;
  }

  #unsupported(what: string): QueueError {
    const { name } = this.#settings;
    return new QueueError(
      "QUEUE_UNSUPPORTED",
      name,
      `queue "${name}": the ${this.#driver.name} driver has no ${what}`,
    );
  }
}

function jobInfo(record: JobRecord): JobInfo {
  const { body, progress, result, parent: _, ...rest } = record;
  return { ...rest, data: read(body), progress: read(progress), result: read(result) };
}

function read(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return decodePayload("", "data", text);
  } catch {
    return undefined;
  }
}
