/** Requests spread over targets of any kind: the interface. How it works is in `target-balancer`. */

import type { Key } from "@headroom/hashing";
import type { BalancerOptions } from "./balancer-options.ts";
import type { BalancerStats } from "./balancer-stats.ts";
import type { Lease } from "./lease.ts";
import type { Candidate } from "./policy.ts";
import type { RunOptions, Work } from "./run.ts";
import type { TargetOptions } from "./target.ts";
import { TargetBalancer } from "./target-balancer.ts";

/** What is to be known about a request before its target is chosen. */
export interface PickOptions {
  /** What keeps its target, for policies that hash. */
  readonly key?: Key | undefined;
  /** The id of a target to take if it is in rotation: what a sticky cookie says. */
  readonly prefer?: string | undefined;
  /** Not these: the candidates of earlier leases of the same request. */
  readonly exclude?: ReadonlySet<Candidate> | undefined;
  /** It may be sent again elsewhere, so it may be the one that tries an ejected target. */
  readonly repeatable?: boolean | undefined;
  /** A further attempt: when there is no other target, nobody was turned away. */
  readonly again?: boolean | undefined;
}

export interface AcquireOptions extends PickOptions {
  /** Ends the waiting. */
  readonly signal?: AbortSignal | undefined;
}

export interface Balancer<T> extends AsyncDisposable {
  readonly name: string;
  /** Whether health is ignored at the moment, because too few are healthy. */
  readonly isPanicking: boolean;
  /**
   * A target, at once.
   * @throws LbError `LB_NO_TARGET` when there is none that is not excluded; `LB_OVERLOADED` when
   *   `maxInFlight` is reached; `LB_CLOSED`.
   */
  pick(options?: PickOptions): Lease<T>;
  /**
   * A target, when there is room and the discovery has answered for the first time.
   * @throws LbError as {@link pick}; `LB_OVERLOADED` when the queue is full or it took too long.
   * @throws `signal.reason`, unwrapped.
   */
  acquire(options?: AcquireOptions): Promise<Lease<T>>;
  /**
   * Does `work` at a target, and again at others as far as that is allowed.
   * @throws what `work` failed with the last time; LbError as {@link acquire}.
   */
  run<Result>(work: Work<T, Result>, options?: RunOptions): Promise<Result>;
  /** Resolves when the targets are known for the first time. @throws `signal.reason`, unwrapped. */
  ready(options?: { readonly signal?: AbortSignal | undefined }): Promise<void>;
  /** @throws RangeError when a target with that id is there, or an option is out of its range. */
  add(target: TargetOptions<T>): void;
  /** Lets its requests under way end. @throws RangeError when there is no such target. */
  remove(id: string): void;
  /**
   * Sends nothing new to a target; resolves when its requests under way are over.
   * @throws RangeError when there is no such target; `signal.reason`.
   */
  drain(id: string, options?: { readonly signal?: AbortSignal | undefined }): Promise<void>;
  /** Ends a drain. @throws RangeError when there is no such target. */
  resume(id: string): void;
  /** What is known about every target now. O(targets). */
  stats(): BalancerStats;
  /** Takes no more requests and ends checks and discovery; resolves when all requests are over. */
  close(): Promise<void>;
}

/**
 * A balancer over `targets`.
 *
 * @throws TypeError or RangeError naming the option that is unknown or out of its range.
 */
export function createBalancer<T>(options: BalancerOptions<T>): Balancer<T> {
  return new TargetBalancer(options);
}
