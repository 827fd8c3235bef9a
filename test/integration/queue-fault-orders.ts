/** What a worker of the fault tests is told, what it tells, and the queue it works on. */

import { constantBackoff } from "@headroom/core/backoff";
import type { Endpoint } from "@headroom/harness";
import { defineQueue } from "@headroom/queue";

export interface WorkerOrders {
  /** One of the two. */
  readonly redis?: Endpoint;
  readonly postgres?: string;
  readonly ledger: Endpoint;
  readonly ledgerKey: string;
  readonly leaseMs: number;
  readonly concurrency: number;
  readonly prefetch: number;
  readonly jobMs: number;
  /** The handler of job 0 blocks the loop for so long, in its first attempt. */
  readonly blockMs: number;
  /** Handlers never end once their effect is there. */
  readonly hangsAfterEffect: boolean;
  /** How wrong its clock is. */
  readonly skewMs: number;
}

export type ToWorker = { readonly kind: "stop"; readonly softMs: number };

export type ToParent =
  | { readonly kind: "ready" }
  | { readonly kind: "started"; readonly index: number; readonly attempt: number }
  | { readonly kind: "effect"; readonly index: number; readonly attempt: number }
  | { readonly kind: "aborted"; readonly index: number; readonly code: string }
  | { readonly kind: "stopped"; readonly stats: Readonly<Record<string, number>> };

export interface FaultJob {
  readonly index: number;
  readonly key?: string | undefined;
}

export function faultQueue({ leaseMs }: Pick<WorkerOrders, "leaseMs">) {
  return defineQueue<FaultJob>({
    name: "work",
    leaseMs,
    retry: { attempts: 20, backoff: constantBackoff(50) },
    key: (data) => data.key,
  });
}
