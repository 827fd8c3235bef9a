/**
 * The default: the power of two choices by how long a request would take.
 *
 * The cost of a target is its latency times the requests that would then share it:
 * `latency × (in flight per unit + 1)`. The latency is a peak EWMA (core): one slow answer raises it
 * at once, time brings it down. So a target twice as slow gets about half as much, and one that
 * stalls is left alone before anything times out.
 *
 * The latency must count failures. A target that fails in one millisecond looks like the fastest of
 * all, and choosing by load alone then sends it *more* than its share: a black hole, worse than
 * taking turns. The balancer records a failure as a long latency (5 s, or what `Retry-After` asks
 * for), and the black hole gets next to nothing.
 *
 * What it does not guarantee:
 * - A target that hangs gives no new estimate. The old one sinks as time goes by, so it is asked
 *   again now and then: after a time t it has about e^(t / decay) times as many requests under way
 *   as the others, 20 times after 30 s. A timeout that counts as a failure ends that.
 * - An estimate is this process's own. Where few requests are made, most are old; below a microsecond
 *   nothing is left to compare, and the requests in flight decide.
 *
 * Sources: Finagle `loadbalancer/PeakEwma.scala`; the failure penalty: linkerd2-proxy
 * `linkerd/load-biaser`.
 */

import type { Candidate, Policy } from "../policy.ts";
import { type PolicyOptions, requireRandom } from "./policy-options.ts";
import { TwoChoices } from "./two-choices.ts";

/** Estimates sink towards 0, where a product would hide what is in flight. */
const SHORTEST_MS = 0.001;

/** @throws TypeError when an option is unknown or `random` is not a function. */
export function p2cEwma(options: PolicyOptions = {}): Policy {
  const random = requireRandom("p2cEwma", options);
  return {
    name: "p2c-ewma",
    picker: (available) => new TwoChoices(available, random, cost),
  };
}

function cost({ latency, inFlight }: Candidate, units: number, nowMs: number): number {
  return Math.max(latency.estimateAt(nowMs), SHORTEST_MS) * (inFlight / units + 1);
}
