import { PeakEwma } from "@headroom/core/ewma";
import {
  type Candidate,
  createBalancer,
  type PickRequest,
  type Policy,
  SUCCESS,
} from "@headroom/lb";
import { BalancedPool } from "undici";
import type { Operation } from "../../src/area.ts";

/** A policy's choice alone, as undici's is measured beside it: no lease, no count in flight. */
export function pickOf(policy: Policy, targets: number): Operation {
  const pick = pickerOf(policy, targets);
  const request = { nowMs: performance.now() };
  return () => pick(request);
}

/** {@link pickOf}, of a policy that needs to know what time it is. */
export function timedPickOf(policy: Policy, targets: number): Operation {
  const pick = pickerOf(policy, targets);
  const request = { nowMs: 0 };
  return () => {
    request.nowMs = performance.now();
    return pick(request);
  };
}

/** All that the balancer does for a request: the choice, the lease, and what is learnt at its end. */
export function leaseOf(
  policy: "p2c-ewma" | "round-robin",
  targets: number,
  resources: AsyncDisposableStack,
): Operation {
  const balancer = createBalancer({
    policy,
    targets: origins(targets).map((origin) => ({ id: origin, target: origin })),
  });
  resources.use(balancer);
  return () => {
    const lease = balancer.pick();
    lease.done(SUCCESS, 5);
    return lease.target;
  };
}

/** Its own method, under the symbol that its class keeps for itself. */
export function pickOfBalancedPool(targets: number, resources: AsyncDisposableStack): Operation {
  const pool = new BalancedPool(origins(targets));
  resources.defer(() => pool.destroy());
  const base: object = Object.getPrototypeOf(BalancedPool.prototype);
  const symbol = [BalancedPool.prototype, base]
    .flatMap((owner) => Object.getOwnPropertySymbols(owner))
    .find(({ description }) => description === "get dispatcher");
  if (symbol === undefined) throw new Error("undici has another way to select than it had");
  const selecting = pool as unknown as Record<symbol, () => unknown>;
  const selected = selecting[symbol]?.();
  if (typeof selected !== "object") throw new Error("undici's BalancedPool selected nothing");
  return () => selecting[symbol]?.();
}

export function indexInTurn(targets: number): Operation {
  const all = origins(targets);
  let next = 0;
  return () => {
    next = next + 1 < all.length ? next + 1 : 0;
    return all[next];
  };
}

function pickerOf(policy: Policy, targets: number): (request: PickRequest) => unknown {
  const candidates = Array.from({ length: targets }, (_, index) => candidate(index));
  const picker = policy.picker(candidates, candidates);
  return (request) => picker.pick(request);
}

function origins(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `http://10.0.0.${index + 1}:3000`);
}

function candidate(index: number): Candidate {
  return {
    id: `10.0.0.${index + 1}:3000`,
    weight: 1,
    share: 1,
    inFlight: index % 3,
    latency: new PeakEwma(10_000, 4 + (index % 5), performance.now()),
  };
}
