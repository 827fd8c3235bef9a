import { createThreadHandler, type ThreadHandler } from "./threads/thread-handler.ts";
import type { ThreadOptions } from "./threads/thread-options.ts";

export type { ThreadHandler } from "./threads/thread-handler.ts";
export type { ThreadJob } from "./threads/thread-message.ts";
export type { ThreadOptions } from "./threads/thread-options.ts";

// Here and not beside `thread-main`: a bundled entry, or a chunk of one, is where this file was.
const MAIN = new URL(
  import.meta.url.endsWith(".ts") ? "./threads/thread-main.ts" : "./threads/thread-main.js",
  import.meta.url,
);

/**
 * A handler that does its work in worker threads: for what computes for long, so that it blocks nobody.
 *
 *     // crop.js
 *     export default async function crop(job) { return resize(job.data.photo); }
 *
 *     const crop = threadHandler(new URL("./crop.js", import.meta.url), { maxThreads: 4 });
 *     queues.worker({ photos: crop }, { concurrency: 4 });
 *
 * The function gets the job ({@link ThreadJob}), and what it returns or throws is the attempt's end:
 * errors keep their name and message, `UnrecoverableError` and `RetryAfterError` their meaning. Give the
 * worker a `concurrency` of `maxThreads`: what waits for a thread holds a place and its lease.
 *
 * Needs the package `piscina`.
 *
 * @throws TypeError or RangeError naming the option that is wrong.
 */
export function threadHandler<Data = unknown, Returned = unknown>(
  module: URL,
  options: ThreadOptions = {},
): ThreadHandler<Data, Returned> {
  return createThreadHandler(MAIN, module, options);
}
