/**
 * When a server is ejected, and for how long: the options of `health`, checked once.
 *
 * Each ejection is twice as long as the one before (30, 60, 120, 240, 300 s): a server that is gone
 * for good costs ever fewer probes, one that hiccups is soon back. A refused connection is answered
 * at once and usually means a restart, so it starts at 1 s. Kinds may follow each other: an ejection
 * is never shorter than the first one of its kind, and goes on from the last one, whatever its kind
 * (refused 1, 2, 4 s, then failed 30 s, then refused 60 s). Each is shortened by up to a tenth at
 * random, so that servers ejected together, or by many processes together, are not probed together.
 */

import {
  requireCount,
  requireFunction,
  requireKnownOptions,
  requireNonNegative,
  requirePositive,
} from "./options.ts";
import { type Random, systemRandom } from "./random.ts";

/** `refused`: nothing listened, known at once. `failed`: everything else that blames the server. */
export type FailureKind = "refused" | "failed";

/** When servers are ejected and how they come back. */
export interface HealthOptions {
  /**
   * Failures in a row that eject.
   * @default 5
   */
  readonly consecutiveFailures?: number | undefined;
  /**
   * The first ejection, in milliseconds.
   * @default 30_000
   */
  readonly ejectionMs?: number | undefined;
  /**
   * The first ejection after a refused connection, in milliseconds.
   * @default 1_000
   */
  readonly refusedEjectionMs?: number | undefined;
  /**
   * No ejection is longer, in milliseconds.
   * @default 300_000
   */
  readonly maxEjectionMs?: number | undefined;
  /**
   * A probe without a result after this long, in milliseconds, is lost and another may start.
   * @default 30_000
   */
  readonly probeTimeoutMs?: number | undefined;
  /**
   * How long a server that joins takes to reach its full weight, in milliseconds; 0 for at once.
   * @default 10_000
   */
  readonly slowStartMs?: number | undefined;
  readonly random?: Random | undefined;
}

/** {@link HealthOptions}, checked and complete. */
export interface HealthPolicy {
  readonly consecutiveFailures: number;
  readonly probeTimeoutMs: number;
  readonly slowStartMs: number;
  /**
   * How long to eject a server, in milliseconds, when its last ejection was of `lastMs`; 0 when
   * there was none, or it is forgiven.
   */
  eject(kind: FailureKind, lastMs: number): number;
}

const JITTER = 0.1;

/**
 * Checks the options once, for all servers that share them.
 * @throws TypeError or RangeError when an option is unknown or out of its range.
 */
export function healthPolicy(options: HealthOptions = {}): HealthPolicy {
  requireKnownOptions("healthPolicy", options, KNOWN_OPTIONS);
  const { ejectionMs = 30_000, refusedEjectionMs = 1_000 } = options;
  const maxEjectionMs = requirePositive("maxEjectionMs", options.maxEjectionMs ?? 300_000);
  const random = requireFunction("random", options.random ?? systemRandom);
  const firstMs = {
    failed: requireFirst("ejectionMs", ejectionMs, maxEjectionMs),
    refused: requireFirst("refusedEjectionMs", refusedEjectionMs, maxEjectionMs),
  };
  return {
    consecutiveFailures: requireCount("consecutiveFailures", options.consecutiveFailures ?? 5),
    probeTimeoutMs: requirePositive("probeTimeoutMs", options.probeTimeoutMs ?? 30_000),
    slowStartMs: requireNonNegative("slowStartMs", options.slowStartMs ?? 10_000),
    eject: (kind, lastMs) =>
      Math.min(maxEjectionMs, Math.max(firstMs[kind], 2 * lastMs)) * (1 - JITTER * random()),
  };
}

const KNOWN_OPTIONS: readonly (keyof HealthOptions)[] = [
  "consecutiveFailures",
  "ejectionMs",
  "refusedEjectionMs",
  "maxEjectionMs",
  "probeTimeoutMs",
  "slowStartMs",
  "random",
];

function requireFirst(name: string, firstMs: number, maxEjectionMs: number): number {
  if (requirePositive(name, firstMs) > maxEjectionMs) {
    throw new RangeError(
      `${name} must be at most maxEjectionMs (${maxEjectionMs}), got ${firstMs}`,
    );
  }
  return firstMs;
}
