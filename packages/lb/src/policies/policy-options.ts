/** What every policy takes. */

import { requireFunction, requireKnownOptions } from "@headroom/core/options";
import { type Random, systemRandom } from "@headroom/core/random";

export interface PolicyOptions {
  /**
   * Where chance comes from; one with a seed makes the choices repeatable.
   * @default systemRandom
   */
  readonly random?: Random | undefined;
}

/**
 * The checked source of chance.
 *
 * @param where the policy, as the user wrote it: `"p2cEwma"`.
 * @param known the other options that it has.
 * @throws TypeError when an option is unknown or `random` is not a function.
 */
export function requireRandom(
  where: string,
  options: PolicyOptions,
  known: readonly string[] = [],
): Random {
  requireKnownOptions(where, options, ["random", ...known]);
  return requireFunction("random", options.random ?? systemRandom);
}
