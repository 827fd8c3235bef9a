/** In which ways a cache answers worse than it is meant to, as telemetry names them. */

import type { CacheDegraded } from "@headroom/core/channels";
import { isHeadroomError } from "@headroom/core/errors";

export type Degradation = CacheDegraded["reason"];

/** What an error of the store, the codec or the breaker means. */
export function degradationBy(cause: unknown): Degradation {
  switch (isHeadroomError(cause) ? cause.code : undefined) {
    case "CACHE_STORE_TIMEOUT":
      return "l2-timeout";
    case "CIRCUIT_OPEN":
      return "l2-skipped";
    case "CACHE_VALUE_TOO_LARGE":
      return "value-too-large";
    case "CACHE_VALUE_UNSUPPORTED":
      return "value-unsupported";
    default:
      return "l2-error";
  }
}
