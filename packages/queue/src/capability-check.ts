/**
 * What definitions need, against what a driver has: once for the compiler, once at boot.
 *
 * A capability that the compiler does not know (its type is `boolean`) is left to the check at boot.
 */

import type { Capabilities } from "./capabilities.ts";
import type { AnyDefinition, Feature, TypesOf } from "./definition.ts";
import type { QueueDriver } from "./driver.ts";
import { QueueError } from "./errors.ts";
import { type DefinitionRules, featuresOf } from "./queue-options.ts";

/**
 * What a driver cannot do and is done for it, because the application has asked for it by name.
 *
 * - `deadLetters`: a job that is given up is added to the queue `<name>.dead`, then completed. Between
 *   the two a worker may die: it is then there twice.
 * - `longDelay`: a job whose delay is longer than the driver's longest is claimed and released again
 *   until it is due, by the clock of the worker.
 */
export type Emulation = "deadLetters" | "longDelay";

type Missing<Needs extends Feature, Caps extends Capabilities, Emulated extends Emulation> = {
  [Need in Needs]: Need extends Emulated ? never : Caps[Need] extends false ? Need : never;
}[Needs];

/** For each definition: nothing, or a property that it does not have, whose name says why. */
export type SupportedBy<
  Defs extends Record<string, AnyDefinition>,
  Caps extends Capabilities,
  Emulated extends Emulation,
> = {
  readonly [Name in keyof Defs]: [Missing<TypesOf<Defs[Name]>["needs"], Caps, Emulated>] extends [
    never,
  ]
    ? unknown
    : {
        readonly "this driver does not support": Missing<
          TypesOf<Defs[Name]>["needs"],
          Caps,
          Emulated
        >;
      };
};

/** @throws QueueError `QUEUE_UNSUPPORTED` naming all that a definition needs and the driver lacks. */
export function requireSupport(
  driver: Pick<QueueDriver, "name" | "capabilities">,
  rules: DefinitionRules,
  emulated: readonly Emulation[],
): void {
  const missing = featuresOf(rules).filter(
    (feature) =>
      !driver.capabilities[feature] && !(feature === "deadLetters" && emulated.includes(feature)),
  );
  if (missing.length === 0) return;
  const hint = missing.includes("deadLetters")
    ? ': emulate ["deadLetters"], or say dead: false to lose what is given up'
    : "";
  throw new QueueError(
    "QUEUE_UNSUPPORTED",
    rules.name,
    `queue "${rules.name}": the ${driver.name} driver does not support ${missing.join(", ")}${hint}`,
  );
}
