/** The policies as configuration names them. */

import { type Random, systemRandom } from "@headroom/core/random";
import type { Policy } from "../policy.ts";
import { boundedRing } from "./bounded-ring.ts";
import { leastInFlight } from "./least-in-flight.ts";
import { maglev } from "./maglev.ts";
import { p2c } from "./p2c.ts";
import { p2cEwma } from "./p2c-ewma.ts";
import type { PolicyOptions } from "./policy-options.ts";
import { random as weightedRandom } from "./random.ts";
import { rendezvous } from "./rendezvous.ts";
import { ring } from "./ring.ts";
import { roundRobin } from "./round-robin.ts";
import { smoothWeightedRoundRobin } from "./smooth-weighted-round-robin.ts";

export type PolicyName =
  | "round-robin"
  | "smooth-weighted-round-robin"
  | "random"
  | "least-in-flight"
  | "p2c"
  | "p2c-ewma"
  | "ring"
  | "bounded-ring"
  | "maglev"
  | "rendezvous";

const FACTORIES: ReadonlyMap<PolicyName, (options: PolicyOptions) => Policy> = new Map([
  ["round-robin", roundRobin],
  ["smooth-weighted-round-robin", smoothWeightedRoundRobin],
  ["random", weightedRandom],
  ["least-in-flight", leastInFlight],
  ["p2c", p2c],
  ["p2c-ewma", p2cEwma],
  ["ring", ring],
  ["bounded-ring", boundedRing],
  ["maglev", maglev],
  ["rendezvous", rendezvous],
]);

/** All names. */
export const POLICY_NAMES: readonly PolicyName[] = [...FACTORIES.keys()];

/**
 * A new policy with default options. Policies have state, so each balancer takes its own.
 *
 * @throws RangeError when there is no policy of that name; it lists those there are.
 */
export function policyByName(name: PolicyName, random: Random = systemRandom): Policy {
  const factory = FACTORIES.get(name);
  if (factory !== undefined) return factory({ random });
  const names = POLICY_NAMES.map((known) => `"${known}"`).join(", ");
  throw new RangeError(`policy must be one of ${names}, got ${shown(name)}`);
}

function shown(name: unknown): string {
  return typeof name === "string" ? JSON.stringify(name.slice(0, 40)) : typeof name;
}
