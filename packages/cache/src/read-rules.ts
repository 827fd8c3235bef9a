/** How one definition's values are read: its options, checked and complete. */

import type { Clock } from "@headroom/core/clock";
import type { Random } from "@headroom/core/random";
import type { FreshnessRules } from "./freshness.ts";

/** All durations in milliseconds. */
export interface ReadRules extends FreshnessRules {
  readonly clock: Clock;
  readonly random: Random;
  /** After this long a load has failed. */
  readonly loadTimeoutMs: number;
  /** After this long a stale value is served instead of waiting on; the load goes on. */
  readonly softTimeoutMs: number;
  /** How long to wait for another process's load before loading alone. */
  readonly waitForLoadMs: number;
  /** How long "there is no such thing" is remembered; 0 is not at all. */
  readonly absentTtlMs: number;
  /** How long a copy is good while the store cannot be reached. */
  readonly outageTtlMs: number;
  /** Complete names of a value's tags, with those the loader added and the implicit ones. */
  tagsOf(value: unknown, added: readonly string[]): readonly string[];
  /** Makes a value safe to be given to several callers. */
  protect(value: unknown): unknown;
  /** Estimated bytes of a value. */
  sizeOf(value: unknown): number;
  /** Whether an invalidation of this key holds, as far as the process alone knows. */
  onHold(key: string): boolean;
}
