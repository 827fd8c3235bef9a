import type { Candidate, Policy } from "../policy.ts";
import { type PolicyOptions, requireRandom } from "./policy-options.ts";
import { TwoChoices } from "./two-choices.ts";

/**
 * The power of two choices by requests in flight, per weight (`two-choices.ts`).
 *
 * It knows neither how fast a target is nor whether it fails. A target that fails at once never has
 * much in flight, so it attracts *more* than its share; take `p2cEwma` unless something else
 * removes such targets. It is right where all requests cost the same and latency is no measure:
 * connections, long streams.
 *
 * @throws TypeError when an option is unknown or `random` is not a function.
 */
export function p2c(options: PolicyOptions = {}): Policy {
  const random = requireRandom("p2c", options);
  return {
    name: "p2c",
    picker: (available) => new TwoChoices(available, random, inFlightPerUnit),
  };
}

/** The load that {@link p2c} compares. */
export function inFlightPerUnit({ inFlight }: Candidate, units: number): number {
  return inFlight / units;
}
