/** Makes a lease last as long as its load: the lease is short, so that a crash frees it soon. */

import type { Clock, Timer } from "@headroom/core/clock";
import type { SharedTier } from "./shared-tier.ts";

export class LeaseRenewal {
  #timer: Timer | undefined;

  /** Renews at each third of the lease until `stop`. */
  constructor(
    shared: Pick<SharedTier, "leaseMs" | "renew">,
    key: string,
    token: string,
    clock: Clock,
  ) {
    const again = (): void => {
      void shared.renew(key, token);
      this.#timer = clock.timer(again, shared.leaseMs / 3);
    };
    this.#timer = clock.timer(again, shared.leaseMs / 3);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
