/** What goes to a thread and comes back, by structured clone. */

import type { Job } from "../job.ts";

/** A job as a thread gets it. */
export interface ThreadJob<Data = unknown> extends Job<Data> {
  /** `id:attempt:random`, different for every attempt: for conditional writes of your own. */
  readonly fence: string;
}

export interface ThreadTask {
  /** The URL of the application's module. */
  readonly module: string;
  readonly exportName: string;
  readonly job: ThreadJob;
}

/** Errors come back as data: by themselves they would lose their name, and what they mean. */
export type ThreadAnswer =
  | { readonly kind: "done"; readonly result: unknown }
  | { readonly kind: "failed"; readonly error: ThreadFailure };

export interface ThreadFailure {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly code: string | undefined;
  /** It was an `UnrecoverableError`. */
  readonly unrecoverable: boolean;
  /** It was a `RetryAfterError`. */
  readonly retryAfterMs: number | undefined;
}
