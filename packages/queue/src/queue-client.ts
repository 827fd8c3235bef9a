/**
 * What `queues.photos` is.
 *
 * One class has all there is; what of it is in the type depends on the driver and the definition, so
 * that what a driver cannot do is not there to be called. Called all the same, it throws
 * `QUEUE_UNSUPPORTED`.
 */

import type { Clock } from "@headroom/core/clock";
import { requireKnownOptions, requirePositive } from "@headroom/core/options";
import type { ResultAwaiter } from "./await-result.ts";
import type { Capabilities } from "./capabilities.ts";
import type { AnyDefinition, TypesOf } from "./definition.ts";
import type { JobHeaders, QueueDriver, QueueSettings, QueueStats } from "./driver.ts";
import { QueueError } from "./errors.ts";
import type { FamilyMember, FamilyOf } from "./flow/families.ts";
import type { ChildOptions, FlowChild, FlowOptions } from "./flow/flow-node.ts";
import { decodePayload } from "./payload.ts";
import type { Added, Adding, AnyAddOptions, Producer } from "./producer.ts";
import { type DeadLetters, PhysicalAdmin, type QueueAdmin } from "./queue-admin.ts";
import type { DefinitionRules } from "./queue-options.ts";
import type { ScheduleOptions } from "./schedule/schedule-options.ts";
import type { ScheduledQueue, Scheduling } from "./schedule/scheduled-queue.ts";
import { validated } from "./schema.ts";

/** `Part`, unless the capability is known to be absent. */
type If<Has, Part> = Has extends false ? unknown : Part;

interface CommonAddOptions {
  /**
   * A name of your own: while a job has it, in whatever state, no other is added.
   * @default one that is new
   */
  readonly id?: string | undefined;
  /** Texts that travel with the job; `traceparent` and `tracestate` are its trace. */
  readonly headers?: JobHeaders | undefined;
}

/** What may be said of a job. */
export type JobOptions<Caps extends Capabilities> = CommonAddOptions &
  (Caps["delayMs"] extends 0
    ? unknown
    : {
        /** It is not ready before so many milliseconds have passed. */
        readonly delayMs?: number | undefined;
      }) &
  (Caps["priorities"] extends 1
    ? unknown
    : {
        /** The highest goes first. @default 0 */
        readonly priority?: number | undefined;
      });

/** What may be said of a call. */
export type CallOptions<Caps extends Capabilities> = {
  /** Ends the wait for room in a full queue. */
  readonly signal?: AbortSignal | undefined;
} & If<
  Caps["transactions"],
  {
    /** A transaction of yours: the jobs are added when it is committed. */
    readonly tx?: unknown;
  }
>;

export interface AddAndWait<Input, Output, Options> {
  /**
   * Adds a job and gives what its handler returned.
   * @throws QueueError `QUEUE_JOB_DEAD`, `QUEUE_RESULT_TIMEOUT` (it goes on), and as `add` does.
   */
  addAndWait(
    data: Input,
    options?: Options & {
      /** @default 30_000 */
      readonly timeoutMs?: number | undefined;
      readonly signal?: AbortSignal | undefined;
    },
  ): Promise<Output>;
}

export interface QueueBasics<Input, Caps extends Capabilities> {
  readonly name: string;
  /** The physical queue. */
  readonly queue: string;
  /**
   * Adds a job. When it resolves, the server has it.
   * @throws QueueError `QUEUE_INVALID`, `QUEUE_VALUE`, `QUEUE_TOO_LARGE`, `QUEUE_FULL`,
   *   `QUEUE_UNAVAILABLE` (it may have been added), `QUEUE_CLOSED`; `signal.reason`.
   */
  add(data: Input, options?: JobOptions<Caps> & CallOptions<Caps>): Promise<Added>;
  /**
   * Adds many, a thousand in a round trip. What became of each, in their order.
   * @throws AddManyError when not all could be added; and as `add` does, before any is added.
   */
  addMany(
    jobs: readonly (Input | BulkJob<Input, Caps>)[],
    options?: CallOptions<Caps>,
  ): Promise<readonly Added[]>;
  /** Of the physical queue. */
  stats(): Promise<QueueStats>;
}

const BULK: unique symbol = Symbol("headroom.queue.bulk");

/** One job of `addMany` with options of its own; make one with {@link job}. */
export type BulkJob<Input, Caps extends Capabilities> = {
  readonly [BULK]: true;
  readonly data: Input;
  readonly options: JobOptions<Caps>;
};

/** A job with options, for `addMany`: `photos.addMany([a, job(b, { delayMs: 1_000 })])`. */
export function job<Input, const Options extends AnyAddOptions>(
  data: Input,
  options: Options,
): { readonly [BULK]: true; readonly data: Input; readonly options: Options } {
  return { [BULK]: true, data, options };
}

type NeedsOf<Def extends AnyDefinition> = TypesOf<Def>["needs"];
type KeepsResults<Def extends AnyDefinition> = [NeedsOf<Def>] extends [never]
  ? true
  : "results" extends NeedsOf<Def>
    ? true
    : false;

/** A queue of this definition on a driver of these capabilities. */
export type QueueOf<Def extends AnyDefinition, Caps extends Capabilities> = QueueBasics<
  TypesOf<Def>["input"],
  Caps
> &
  If<Caps["flows"], FamilyOf<TypesOf<Def>["input"]>> &
  If<Caps["schedules"], Scheduling<TypesOf<Def>["input"]>> &
  If<Caps["admin"], QueueAdmin & If<Caps["deadLetters"], { readonly dead: DeadLetters }>> &
  If<
    Caps["results"],
    If<
      KeepsResults<Def>,
      AddAndWait<TypesOf<Def>["input"], TypesOf<Def>["output"], JobOptions<Caps>>
    >
  >;

export interface ClientParts {
  readonly driver: QueueDriver;
  readonly settings: QueueSettings;
  readonly rules: DefinitionRules;
  readonly producer: Producer;
  readonly awaiter: ResultAwaiter;
  readonly family: FamilyMember;
  /** Undefined: the driver has no schedules. */
  readonly scheduled: ScheduledQueue | undefined;
  readonly clock: Clock;
  readonly requireOpen: () => void;
}

const WAIT_OPTIONS = ["timeoutMs", "id", "delayMs", "priority", "headers", "signal"];

export class QueueClient extends PhysicalAdmin {
  readonly name: string;
  readonly queue: string;
  readonly #parts: ClientParts;

  constructor(parts: ClientParts) {
    super(parts.driver, parts.settings);
    this.#parts = parts;
    this.name = parts.rules.name;
    this.queue = parts.settings.name;
  }

  add(data: unknown, options?: AnyAddOptions): Promise<Added> {
    return this.#parts.producer.add(data, options);
  }

  async addMany(
    jobs: readonly unknown[],
    options?: { readonly signal?: AbortSignal | undefined; readonly tx?: unknown },
  ): Promise<readonly Added[]> {
    if (!Array.isArray(jobs)) throw new TypeError("addMany takes a list of jobs");
    return this.#parts.producer.addMany(jobs.map(asAdding), options);
  }

  async addAndWait(
    data: unknown,
    options: AnyAddOptions & { readonly timeoutMs?: number | undefined } = {},
  ): Promise<unknown> {
    const { driver, rules, producer, awaiter } = this.#parts;
    if (driver.admin === undefined || !driver.capabilities.results || rules.results === undefined) {
      throw new QueueError(
        "QUEUE_UNSUPPORTED",
        rules.name,
        `queue "${rules.name}" keeps no results: give its definition results or output`,
      );
    }
    requireKnownOptions("addAndWait", options, WAIT_OPTIONS);
    const { timeoutMs = 30_000, ...adding } = options;
    requirePositive("timeoutMs", timeoutMs);
    const { result } = await awaiter.addAndWait(async () => (await producer.add(data, adding)).id, {
      timeoutMs,
      signal: adding.signal,
    });
    const read = result === undefined ? undefined : decodePayload(rules.name, "the result", result);
    return validated(rules.output, rules.name, "the result", read);
  }

  child(data: unknown, options?: ChildOptions): FlowChild {
    return this.#parts.family.child(data, options);
  }

  async flow(data: unknown, options?: FlowOptions): Promise<Added> {
    this.#parts.requireOpen();
    return this.#parts.family.add(data, options);
  }

  async schedule(name: string, options: ScheduleOptions<unknown>): Promise<void> {
    this.#parts.requireOpen();
    await this.#scheduled().schedule(name, options);
  }

  async unschedule(name: string): Promise<void> {
    await this.#scheduled().unschedule(name);
  }

  override async cancel(id: string): Promise<boolean> {
    const { driver, family } = this.#parts;
    return driver.flows === undefined ? super.cancel(id) : family.cancel(id);
  }

  async stats(): Promise<QueueStats> {
    this.#parts.requireOpen();
    return this.#parts.driver.stats(this.#parts.settings);
  }

  #scheduled(): ScheduledQueue {
    const { scheduled, driver, rules } = this.#parts;
    if (scheduled !== undefined) return scheduled;
    throw new QueueError(
      "QUEUE_UNSUPPORTED",
      rules.name,
      `queue "${rules.name}": the ${driver.name} driver has no schedules`,
    );
  }
}

function asAdding(given: unknown): Adding {
  if (typeof given !== "object" || given === null || !(BULK in given)) {
    return { data: given, options: {} };
  }
  const { data, options } = given as unknown as Adding;
  requireKnownOptions("job", options, ["id", "delayMs", "priority", "headers"]);
  return { data, options };
}
