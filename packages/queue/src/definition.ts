/**
 * What one kind of job is.
 *
 * A definition is plain data: it opens nothing, so producers and workers, that are often different
 * programs, import the same one. Its type says what a producer gives, what a handler gets, what it
 * returns, and which features of a driver it needs; `createQueues` compares those with what the
 * driver has.
 *
 * With a schema the types are inferred. Without one they may be given, `defineQueue<Photo>({…})`;
 * the compiler then infers nothing else, so that a feature the driver lacks is found at boot.
 */

import type { Backoff } from "@headroom/core/backoff";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Rate } from "./driver.ts";
import { type DefinitionRules, definitionRules } from "./queue-options.ts";

/** What a definition may need, and a driver may not have. */
export type Feature = "keys" | "dedup" | "limits" | "maxBacklog" | "results" | "deadLetters";

export interface RetryOptions {
  /**
   * How often a job is begun at most, the first time included.
   * @default 5
   */
  readonly attempts?: number | undefined;
  /**
   * How long to wait before the next attempt: a backoff of `@headroom/core`.
   * @default fullJitterBackoff({ baseMs: 1_000, maxMs: 60_000 })
   */
  readonly backoff?: Backoff | undefined;
}

export interface LimitOptions {
  /** Jobs that are active at a time, in all processes together. */
  readonly concurrency?: number | undefined;
  /** Starts within a time, in all processes together. */
  readonly rate?: Rate | undefined;
  readonly perKey?:
    | {
        /** @default 1 */
        readonly concurrency?: number | undefined;
        readonly rate?: Rate | undefined;
      }
    | undefined;
}

export interface KeepOptions {
  readonly keepMs?: number | undefined;
  readonly keepCount?: number | undefined;
}

/** What a schema makes of what it is given; without one, what was given. */
export type DataOf<In extends StandardSchemaV1> = StandardSchemaV1.InferOutput<In>;

/** Options of {@link defineQueue}. */
export interface DefinitionOptions<
  In extends StandardSchemaV1 = StandardSchemaV1,
  Out extends StandardSchemaV1 = StandardSchemaV1,
  Key = unknown,
  Dedup = unknown,
  Limits = unknown,
  Backlog = unknown,
  Results = unknown,
  Dead = unknown,
> {
  /** Letters, digits, `.`, `_`, `-`; at most 100. The same in all processes. */
  readonly name: string;
  /**
   * The physical queue. Definitions that share one share its workers, order and limits.
   * @default its name
   */
  readonly queue?: string | undefined;
  /** A Standard Schema (zod, valibot, arktype): checked when a job is added and before it is handled. */
  readonly input?: In | undefined;
  /** For what a handler returns. Results are then kept. */
  readonly output?: Out | undefined;
  readonly retry?: RetryOptions | undefined;
  /**
   * How long a job is another worker's after its worker has died, in milliseconds.
   * @default 15_000
   */
  readonly leaseMs?: number | undefined;
  /**
   * An attempt that takes longer has failed, and its signal aborts. `Infinity`: a handler that hangs
   * keeps its job for ever.
   * @default 600_000
   */
  readonly timeoutMs?: number | undefined;
  /**
   * The largest data, as JSON.
   * @default 256_000
   */
  readonly maxBytes?: number | undefined;
  /** Jobs of one key run one after the other, in their order. */
  readonly key?: (Key & ((data: DataOf<In>) => string | undefined)) | undefined;
  /** A job is not added while another one of the same dedup key lives. */
  readonly dedup?:
    | (Dedup &
        (
          | ((data: DataOf<In>) => string | undefined)
          | {
              readonly key: (data: DataOf<In>) => string | undefined;
              readonly windowMs?: number | undefined;
            }
        ))
    | undefined;
  readonly limits?: (Limits & LimitOptions) | undefined;
  /** Adding is refused when so many jobs wait. */
  readonly maxBacklog?: (Backlog & number) | undefined;
  /**
   * What `add` does then: throw `QUEUE_FULL`, or wait until there is room.
   * @default "reject"
   */
  readonly onFull?: "reject" | "wait" | undefined;
  /**
   * Keeps what is done, with what the handler returned: an hour and 10_000 of them unless said.
   * @default not kept, unless there is `output`
   */
  readonly results?: (Results & KeepOptions) | undefined;
  /**
   * Keeps what was given up: 14 days and 10_000 of them unless said. `false`: it is deleted.
   * @default {}
   */
  readonly dead?: (Dead & (KeepOptions | false)) | undefined;
}

type FeatureIf<Given, Name extends Feature> = unknown extends Given ? never : Name;

type FeaturesOf<Out, Key, Dedup, Limits, Backlog, Results, Dead> =
  | FeatureIf<Key, "keys">
  | FeatureIf<Dedup, "dedup">
  | FeatureIf<Limits, "limits">
  | FeatureIf<Backlog, "maxBacklog">
  | FeatureIf<Results, "results">
  | (unknown extends StandardSchemaOutput<Out> ? never : "results")
  | (Dead extends false ? never : "deadLetters");

type StandardSchemaOutput<Schema> = Schema extends StandardSchemaV1
  ? StandardSchemaV1.InferOutput<Schema>
  : unknown;

/**
 * A kind of job; make one with {@link defineQueue}.
 *
 * `Input` is what a producer gives, `Data` what a handler gets, `Returned` what it returns and
 * `Output` what the producer reads of that.
 */
export interface Definition<
  Input = unknown,
  Data = Input,
  Returned = unknown,
  Output = Returned,
  Needs extends Feature = Feature,
> {
  readonly name: string;
  /** The physical queue. */
  readonly queue: string;
  readonly rules: DefinitionRules;
  /** For the compiler alone: it is never there. */
  readonly "~types"?: {
    readonly input: Input;
    readonly data: Data;
    readonly returned: Returned;
    readonly output: Output;
    readonly needs: Needs;
  };
}

/** Any definition at all. */
// biome-ignore lint/suspicious/noExplicitAny: input is contravariant, output covariant
export type AnyDefinition = Definition<any, any, any, any, Feature>;

/** What is known of a definition's types. */
export type TypesOf<Def extends AnyDefinition> = NonNullable<Def["~types"]>;

/**
 * Defines a kind of job.
 * @throws TypeError or RangeError when an option is unknown or out of its range.
 */
export function defineQueue<
  In extends StandardSchemaV1 = StandardSchemaV1<unknown>,
  Out extends StandardSchemaV1 = StandardSchemaV1<unknown>,
  const Key = unknown,
  const Dedup = unknown,
  const Limits = unknown,
  const Backlog = unknown,
  const Results = unknown,
  const Dead = unknown,
>(
  options: DefinitionOptions<In, Out, Key, Dedup, Limits, Backlog, Results, Dead>,
): Definition<
  StandardSchemaV1.InferInput<In>,
  StandardSchemaV1.InferOutput<In>,
  StandardSchemaV1.InferInput<Out>,
  StandardSchemaV1.InferOutput<Out>,
  FeaturesOf<Out, Key, Dedup, Limits, Backlog, Results, Dead>
>;
export function defineQueue<Input, Output = unknown>(
  options: DefinitionOptions<StandardSchemaV1<Input>, StandardSchemaV1<Output>>,
): Definition<Input, Input, Output, Output, never>;
export function defineQueue(options: DefinitionOptions): Definition {
  const rules = definitionRules(options);
  return Object.freeze({ name: rules.name, queue: rules.queue, rules });
}
