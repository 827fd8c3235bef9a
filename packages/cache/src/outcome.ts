/** Whether an invalidation has reached everybody it concerns. */

export type InvalidationOutcome =
  /** The shared store has it, and every process that listens is told; or there is no shared store. */
  | { readonly status: "done" }
  /**
   * The shared store could not be reached. This process no longer serves the value; it tries again
   * until the store takes it, and until then other processes may serve what they have.
   */
  | { readonly status: "queued"; readonly cause: unknown };

export const DONE: InvalidationOutcome = { status: "done" };
