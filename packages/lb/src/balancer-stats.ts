/** What a balancer knows at one moment, as plain data. */

import type { Health } from "@headroom/core/health";
import type { Endpoint } from "./endpoint.ts";
import type { Rotation } from "./rotation.ts";

export interface TargetStats {
  readonly id: string;
  readonly status: Health["status"];
  /** Whether active checks find it unfit. */
  readonly failsChecks: boolean;
  readonly weight: number;
  /** How far its slow start has got, above 0 to 1. */
  readonly share: number;
  readonly priority: number;
  readonly zone: string | undefined;
  readonly inFlight: number;
  /** The estimate that `p2c-ewma` compares, failures included. */
  readonly latencyMs: number;
  /** Since it joined. */
  readonly requests: number;
  readonly failures: number;
}

export interface BalancerStats {
  readonly name: string;
  readonly inFlight: number;
  /** How many wait for room. */
  readonly queued: number;
  /** The priorities whose health is ignored, because too few are healthy. */
  readonly panickingPriorities: readonly number[];
  /** In the order of their priorities and ids. */
  readonly targets: readonly TargetStats[];
}

export function statsOf<T>(
  name: string,
  endpoints: Iterable<Endpoint<T>>,
  rotation: Rotation<T>,
  queued: number,
  nowMs: number,
): BalancerStats {
  const targets = [...endpoints].map((endpoint) => targetStats(endpoint, nowMs));
  targets.sort((a, b) => a.priority - b.priority || (a.id < b.id ? -1 : 1));
  return {
    name,
    inFlight: targets.reduce((sum, { inFlight }) => sum + inFlight, 0),
    queued,
    panickingPriorities: [...rotation.panics],
    targets,
  };
}

function targetStats<T>(endpoint: Endpoint<T>, nowMs: number): TargetStats {
  const { id, weight, share, priority, zone, inFlight, requests, failures, failsChecks } = endpoint;
  return {
    id,
    status: endpoint.health.status,
    failsChecks,
    weight,
    share,
    priority,
    zone,
    inFlight,
    latencyMs: endpoint.latency.estimateAt(nowMs),
    requests,
    failures,
  };
}
