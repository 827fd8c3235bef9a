/** The options of a definition, checked and complete. */

import { type Backoff, fullJitterBackoff } from "@headroom/core/backoff";
import {
  requireCount,
  requireFunction,
  requireKnownOptions,
  requireOneOf,
  requirePositive,
} from "@headroom/core/options";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { DefinitionOptions, Feature, KeepOptions, LimitOptions } from "./definition.ts";
import type { Keep, QueueLimits, QueueSettings, Rate } from "./driver.ts";

type TextOf = (data: never) => string | undefined;

export interface DedupRules {
  readonly key: TextOf;
  readonly windowMs: number | undefined;
}

/** {@link DefinitionOptions}, checked and complete. Undefined: not said, or not wanted. */
export interface DefinitionRules {
  readonly name: string;
  readonly queue: string;
  readonly input: StandardSchemaV1 | undefined;
  readonly output: StandardSchemaV1 | undefined;
  readonly attempts: number;
  readonly backoff: Backoff;
  readonly leaseMs: number | undefined;
  readonly timeoutMs: number;
  readonly maxBytes: number;
  readonly key: TextOf | undefined;
  readonly dedup: DedupRules | undefined;
  readonly limits: QueueLimits | undefined;
  readonly maxBacklog: number | undefined;
  readonly onFull: "reject" | "wait";
  readonly results: Keep | undefined;
  readonly dead: Keep | false | undefined;
}

export const DEFAULT_LEASE_MS: number = 15_000;

const KNOWN: readonly (keyof DefinitionOptions)[] = [
  "name",
  "queue",
  "input",
  "output",
  "retry",
  "leaseMs",
  "timeoutMs",
  "maxBytes",
  "key",
  "dedup",
  "limits",
  "maxBacklog",
  "onFull",
  "results",
  "dead",
];

const QUEUE_NAME = /^[A-Za-z0-9._-]{1,100}$/;
const DAY_MS = 86_400_000;
const DEFAULT_RESULTS: Keep = { ms: 3_600_000, count: 10_000 };
const DEFAULT_DEAD: Keep = { ms: 14 * DAY_MS, count: 10_000 };
const NO_LIMITS: QueueLimits = {
  concurrency: undefined,
  rate: undefined,
  perKeyConcurrency: 1,
  perKeyRate: undefined,
};

/** @throws TypeError or RangeError when an option is unknown, missing or out of its range. */
export function definitionRules(options: DefinitionOptions): DefinitionRules {
  requireKnownOptions("defineQueue", options, KNOWN);
  const name = requireQueueName("name", options.name);
  const { retry = {}, timeoutMs = 600_000 } = options;
  requireKnownOptions("retry", retry, ["attempts", "backoff"]);
  const output = requireSchema("output", options.output);
  return {
    name,
    queue: requireQueueName("queue", options.queue ?? name),
    input: requireSchema("input", options.input),
    output,
    attempts: requireCount("attempts", retry.attempts ?? 5),
    backoff: requireFunction(
      "backoff",
      retry.backoff ?? fullJitterBackoff({ baseMs: 1_000, maxMs: 60_000 }),
    ),
    leaseMs: options.leaseMs === undefined ? undefined : requireLease(options.leaseMs),
    timeoutMs:
      timeoutMs === Number.POSITIVE_INFINITY ? timeoutMs : requirePositive("timeoutMs", timeoutMs),
    maxBytes: requirePositive("maxBytes", options.maxBytes ?? 256_000),
    key: options.key === undefined ? undefined : requireFunction("key", options.key as TextOf),
    dedup: dedupRules(options.dedup as DefinitionOptions["dedup"]),
    limits: options.limits === undefined ? undefined : limitRules(options.limits as LimitOptions),
    maxBacklog:
      options.maxBacklog === undefined ? undefined : requireCount("maxBacklog", options.maxBacklog),
    onFull: requireOneOf("onFull", options.onFull ?? "reject", ["reject", "wait"]),
    results:
      options.results === undefined && output === undefined
        ? undefined
        : keepRules("results", (options.results ?? {}) as KeepOptions, DEFAULT_RESULTS),
    dead: deadRules(options.dead as KeepOptions | false | undefined),
  };
}

/** Which features of a driver these rules need. */
export function featuresOf(rules: DefinitionRules): readonly Feature[] {
  const needs: [Feature, boolean][] = [
    ["keys", rules.key !== undefined],
    ["dedup", rules.dedup !== undefined],
    ["limits", rules.limits !== undefined],
    ["maxBacklog", rules.maxBacklog !== undefined],
    ["results", rules.results !== undefined],
    ["deadLetters", rules.dead !== false],
  ];
  return needs.flatMap(([feature, needed]) => (needed ? [feature] : []));
}

/** A physical queue, of what its definitions say. */
export interface PhysicalRules {
  readonly settings: QueueSettings;
  readonly leaseMs: number;
}

/** @throws TypeError when two definitions of one queue say different things about it. */
export function physicalRules(
  queue: string,
  definitions: readonly DefinitionRules[],
): PhysicalRules {
  const said = <Name extends "leaseMs" | "maxBacklog" | "limits" | "results" | "dead">(
    name: Name,
  ): NonNullable<DefinitionRules[Name]> | undefined => {
    const values = definitions.flatMap((rules) => rules[name] ?? []);
    const [first] = values;
    if (values.every((value) => JSON.stringify(value) === JSON.stringify(first))) {
      return first as NonNullable<DefinitionRules[Name]> | undefined;
    }
    throw new TypeError(`${name} of queue "${queue}" must be the same in all its definitions`);
  };
  const dead = said("dead");
  return {
    leaseMs: said("leaseMs") ?? DEFAULT_LEASE_MS,
    settings: {
      name: queue,
      maxBacklog: said("maxBacklog"),
      limits: said("limits") ?? NO_LIMITS,
      retention: {
        done: said("results"),
        dead: dead === false ? { ms: 0, count: 0 } : (dead ?? DEFAULT_DEAD),
      },
    },
  };
}

function requireQueueName(option: string, name: string): string {
  if (typeof name === "string" && QUEUE_NAME.test(name)) return name;
  throw new TypeError(`${option} must be 1 to 100 letters, digits, ".", "_" or "-"`);
}

/** A heartbeat comes every third of it, so it cannot be arbitrarily short. */
function requireLease(leaseMs: number): number {
  if (requirePositive("leaseMs", leaseMs) >= 30) return leaseMs;
  throw new RangeError(`leaseMs must be at least 30 milliseconds, got ${leaseMs}`);
}

function requireSchema(
  option: string,
  schema: StandardSchemaV1 | undefined,
): StandardSchemaV1 | undefined {
  if (schema === undefined || typeof schema?.["~standard"]?.validate === "function") return schema;
  throw new TypeError(`${option} must be a Standard Schema (zod, valibot, arktype)`);
}

function dedupRules(dedup: DefinitionOptions["dedup"]): DedupRules | undefined {
  if (dedup === undefined) return undefined;
  if (typeof dedup === "function") return { key: dedup, windowMs: undefined };
  requireKnownOptions("dedup", dedup, ["key", "windowMs"]);
  const { windowMs } = dedup;
  return {
    key: requireFunction("dedup.key", dedup.key),
    windowMs: windowMs === undefined ? undefined : requirePositive("windowMs", windowMs),
  };
}

function limitRules(limits: LimitOptions): QueueLimits {
  requireKnownOptions("limits", limits, ["concurrency", "rate", "perKey"]);
  const { concurrency, rate, perKey = {} } = limits;
  requireKnownOptions("perKey", perKey, ["concurrency", "rate"]);
  return {
    concurrency:
      concurrency === undefined ? undefined : requireCount("limits.concurrency", concurrency),
    rate: rateRules("limits.rate", rate),
    perKeyConcurrency: requireCount("perKey.concurrency", perKey.concurrency ?? 1),
    perKeyRate: rateRules("perKey.rate", perKey.rate),
  };
}

/** A rate of an option, checked. */
export function rateRules(option: string, rate: Rate | undefined): Rate | undefined {
  if (rate === undefined) return undefined;
  requireKnownOptions(option, rate, ["jobs", "perMs"]);
  return {
    jobs: requireCount(`${option}.jobs`, rate.jobs),
    perMs: requirePositive(`${option}.perMs`, rate.perMs),
  };
}

function deadRules(dead: KeepOptions | false | undefined): Keep | false | undefined {
  return dead === undefined || dead === false ? dead : keepRules("dead", dead, DEFAULT_DEAD);
}

function keepRules(option: string, keep: KeepOptions, otherwise: Keep): Keep {
  requireKnownOptions(option, keep, ["keepMs", "keepCount"]);
  return {
    ms: requirePositive(`${option}.keepMs`, keep.keepMs ?? otherwise.ms),
    count: requireCount(`${option}.keepCount`, keep.keepCount ?? otherwise.count),
  };
}
