/** Where reads found their answers: counted, and noted for telemetry. */

import type { CacheGet } from "@headroom/core/channels";
import type { Degradation } from "./degradation.ts";
import type { Counters } from "./stats.ts";

/** What telemetry is told of one read. */
export type Answer = Pick<CacheGet, "result" | "tier" | "coalesced">;

export class AnswerLog {
  readonly #counters: Counters;
  readonly #degraded: (reason: Degradation) => void;

  constructor(counters: Counters, degraded: (reason: Degradation) => void) {
    this.#counters = counters;
    this.#degraded = degraded;
  }

  note(
    result: "hit" | "stale" | "miss",
    tier: "l1" | "l2" | undefined,
    answer: Answer | undefined,
  ): void {
    const counters = this.#counters;
    if (result === "miss") counters.misses++;
    else if (result === "stale") {
      counters.stale++;
      this.#degraded("stale-served");
    } else if (tier === "l1") counters.localHits++;
    else counters.sharedHits++;
    if (answer === undefined) return;
    answer.result = result;
    if (tier !== undefined) answer.tier = tier;
  }
}
