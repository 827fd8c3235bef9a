/**
 * What a run of the model does, made from plain numbers, so that any property test can draw it and
 * make it smaller:
 *
 *     fc.array(fc.tuple(fc.nat(999), fc.nat(999)), { maxLength: 60 })
 *
 * The first number of a pair says what is done, the second how.
 */

import { type Random, seededRandom } from "@headroom/core/random";
import type { Capabilities } from "../capabilities.ts";
import type { DedupRule } from "../driver.ts";
import type { JobState } from "../driver-powers.ts";

export type ModelScript = readonly (readonly [what: number, how: number])[];

export interface ModelJob {
  /** Made by an earlier step, if there is one; a new job otherwise. */
  readonly again: boolean;
  readonly key: string | undefined;
  readonly dedup: DedupRule | undefined;
  readonly priority: number;
  readonly delayMs: number;
  readonly maxAttempts: number;
}

/** `pick` chooses one of what there is: the place modulo how many there are. */
export type ModelStep =
  | { readonly kind: "enqueue"; readonly jobs: readonly ModelJob[]; readonly pick: number }
  | { readonly kind: "claim"; readonly limit: number }
  | {
      readonly kind: "settle";
      readonly pick: number;
      readonly count: number;
      readonly stale: boolean;
      readonly verdicts: readonly ("done" | "retry" | "release" | "dead")[];
      readonly delayMs: number;
      readonly claim: number | undefined;
    }
  | { readonly kind: "extend"; readonly pick: number; readonly stale: boolean }
  | { readonly kind: "sweep" }
  | { readonly kind: "cancel"; readonly pick: number }
  | { readonly kind: "pause"; readonly paused: boolean }
  | { readonly kind: "redrive" }
  | { readonly kind: "purge"; readonly states: readonly JobState[] }
  | { readonly kind: "hold"; readonly children: number; readonly childDead: "fail" | "continue" }
  | {
      readonly kind: "report";
      readonly pick: number;
      readonly child: number;
      readonly dead: boolean;
    }
  | { readonly kind: "advance"; readonly ms: number };

/** Whether a step, or what is in it, makes sense for a driver. */
export interface ModelScope {
  readonly caps: Capabilities;
  /** Whether time can be told to pass. If not, a delay is none or longer than any run. */
  readonly timed: boolean;
}

const YEAR_MS = 365 * 86_400_000;
/** Leases in a run whose time is told. */
export const MODEL_LEASE_MS = 1_000;

const WEIGHTS: readonly (readonly [kind: ModelStep["kind"], weight: number])[] = [
  ["enqueue", 25],
  ["claim", 20],
  ["settle", 25],
  ["extend", 5],
  ["sweep", 3],
  ["cancel", 6],
  ["pause", 3],
  ["redrive", 4],
  ["purge", 2],
  ["hold", 4],
  ["report", 6],
  ["advance", 8],
];

/** Steps that the driver cannot do are left out. */
export function modelSteps(script: ModelScript, scope: ModelScope): ModelStep[] {
  return script
    .map(([what, how]) => stepOf(kindOf(what), how, scope))
    .filter((step) => allowed(step, scope));
}

function kindOf(what: number): ModelStep["kind"] {
  const total = WEIGHTS.reduce((sum, [, weight]) => sum + weight, 0);
  let left = what % total;
  for (const [kind, weight] of WEIGHTS) {
    if (left < weight) return kind;
    left -= weight;
  }
  return "claim";
}

function allowed({ kind }: ModelStep, { caps, timed }: ModelScope): boolean {
  if (kind === "advance") return timed;
  if (kind === "extend") return caps.extend;
  if (kind === "hold" || kind === "report") return caps.flows;
  if (kind === "redrive") return caps.admin && caps.deadLetters;
  if (kind === "cancel" || kind === "pause" || kind === "purge") return caps.admin;
  return true;
}

function stepOf(kind: ModelStep["kind"], how: number, scope: ModelScope): ModelStep {
  const chance = seededRandom(how);
  const below = (bound: number): number => Math.floor(chance() * bound);
  const pick = below(1_000);
  const states = ["ready", "delayed", "dead", "done", "held"] as const;
  switch (kind) {
    case "enqueue":
      return { kind, pick, jobs: Array.from({ length: 1 + below(3) }, () => jobOf(chance, scope)) };
    case "claim":
      return { kind, limit: 1 + below(4) };
    case "settle":
      return {
        kind,
        pick,
        count: 1 + below(3),
        stale: chance() < 0.2,
        verdicts: Array.from({ length: 3 }, () => oneOf(chance, VERDICTS)),
        delayMs: delayOf(chance, scope),
        claim: chance() < 0.4 ? 1 + below(3) : undefined,
      };
    case "extend":
      return { kind, pick, stale: chance() < 0.4 };
    case "cancel":
      return { kind, pick };
    case "pause":
      return { kind, paused: chance() < 0.4 };
    case "purge":
      return { kind, states: states.filter(() => chance() < 0.4) };
    case "hold":
      return { kind, children: below(3), childDead: oneOf(chance, ["fail", "continue"] as const) };
    case "report":
      return { kind, pick, child: below(3), dead: chance() < 0.3 };
    case "advance":
      return { kind, ms: oneOf(chance, [1, 200, 500, 1_000]) };
    default:
      return { kind };
  }
}

const VERDICTS = ["done", "done", "retry", "release", "dead"] as const;

function jobOf(chance: Random, scope: ModelScope): ModelJob {
  const { caps, timed } = scope;
  const key = caps.keys && chance() < 0.5 ? oneOf(chance, ["a", "b"]) : undefined;
  const windowMs = timed && chance() < 0.5 ? 700 : undefined;
  return {
    again: chance() < 0.15,
    key,
    dedup: caps.dedup && chance() < 0.3 ? { key: oneOf(chance, ["x", "y"]), windowMs } : undefined,
    priority: Math.floor(chance() * Math.min(3, caps.priorities)),
    // Where a delayed job of a key comes in again, the contract leaves open.
    delayMs: key === undefined ? delayOf(chance, scope) : 0,
    maxAttempts: 1 + Math.floor(chance() * 3),
  };
}

function delayOf(chance: Random, { caps, timed }: ModelScope): number {
  const delayMs = chance() < 0.7 ? 0 : timed ? 500 : YEAR_MS;
  return delayMs <= caps.delayMs ? delayMs : 0;
}

function oneOf<const Value>(chance: Random, values: readonly [Value, ...Value[]]): Value {
  return values[Math.floor(chance() * values.length)] ?? values[0];
}
