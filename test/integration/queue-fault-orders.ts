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
  /** Handlers end at once, without an effect, when their signal aborts. */
  readonly heedsSignal: boolean;
  /** The handler of job {@link BLOCKING} blocks the loop for so long, in its first attempt. */
  readonly blockMs: number;
  /** Handlers never end once their effect is there. */
  readonly hangsAfterEffect: boolean;
  /** How wrong its clock is. */
  readonly skewMs: number;
}

export type ToWorker =
  | { readonly kind: "stop"; readonly softMs: number }
  | { readonly kind: "measure" };

export type ToParent =
  | { readonly kind: "ready" }
  | { readonly kind: "started"; readonly index: number; readonly attempt: number }
  | { readonly kind: "effect"; readonly index: number; readonly attempt: number }
  | { readonly kind: "aborted"; readonly index: number; readonly code: string }
  /** After a garbage collection. */
  | { readonly kind: "measured"; readonly heapBytes: number; readonly handles: number }
  | { readonly kind: "stopped"; readonly stats: Readonly<Record<string, number>> };

export interface FaultJob {
  readonly index: number;
  readonly key?: string | undefined;
}

/** The job whose handler may block the loop: not the first, so that others are under way then. */
export const BLOCKING = 5;

/** Of every command to the server under test: in proportion to the leases. */
export const TIMEOUT_MS = 1_000;

/**
 * A client of Redis asks a server that still loads its log again after as long as that thinks it
 * needs, or ten seconds, although it may be there in one: not ours.
 */
export const REDIS_CLIENT = { maxLoadingRetryTime: 200 } as const;

export function faultQueue({ leaseMs }: Pick<WorkerOrders, "leaseMs">) {
  return defineQueue<FaultJob>({
    name: "work",
    leaseMs,
    retry: { attempts: 20, backoff: constantBackoff(50) },
    key: (data) => data.key,
  });
}
