/**
 * How a request ended, as far as it says something about its target.
 *
 * - `success`: it answered, with whatever the caller takes for an answer; a 404 is one.
 * - `failure`: the target is to blame. `refused` means that nothing listened, known at once, and the
 *   request was certainly not sent; `failed` is all else: a reset, a timeout, a 5xx.
 * - `throttled`: it said that it has too much to do (429). That counts against its success rate
 *   and its latency estimate, but is no step towards ejection by failures in a row.
 * - `abandoned`: the caller gave up, so nothing is known.
 */

import type { FailureKind } from "@headroom/core/health";

export type Outcome =
  | { readonly type: "success" }
  | {
      readonly type: "failure";
      readonly kind: FailureKind;
      /** How long the target asked not to be asked, in milliseconds. */
      readonly retryAfterMs?: number | undefined;
    }
  | { readonly type: "throttled"; readonly retryAfterMs?: number | undefined }
  | { readonly type: "abandoned" };

export const SUCCESS: Outcome = { type: "success" };
export const FAILED: Outcome = { type: "failure", kind: "failed" };
export const REFUSED: Outcome = { type: "failure", kind: "refused" };
export const ABANDONED: Outcome = { type: "abandoned" };
