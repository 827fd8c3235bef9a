/**
 * A handler whose work is done in worker threads.
 *
 * A handler that computes for seconds blocks the loop of its process: no heartbeat goes out, the lease
 * is lost, another worker begins the same job, and nothing in this process can notice. In a thread it
 * blocks nobody, so the heartbeat goes on for as long as the job may take, which is its timeout.
 *
 * What aborts `context.signal` (the timeout, a lost lease, a cancelled job, a worker that stops) ends
 * the thread, also in the middle of a loop that never looks up; a new one takes its place. So a job
 * that hangs costs its timeout and not the worker.
 *
 * Job and result are cloned, so no functions, no connections; the thread's module opens its own.
 * `context` stays here: a thread has the job and its fence, and cannot report progress.
 */

import { isHeadroomError } from "@headroom/core/errors";
import { Piscina } from "piscina";
import type { Job, JobContext } from "../job.ts";
import { errorOfThread } from "./thread-failure.ts";
import type { ThreadAnswer, ThreadTask } from "./thread-message.ts";
import { type ThreadOptions, type ThreadRules, threadRules } from "./thread-options.ts";

/** A handler for `queues.worker`, which holds threads. */
export interface ThreadHandler<Data = unknown, Returned = unknown> extends AsyncDisposable {
  (job: Job<Data>, context: JobContext<Returned>): Promise<Returned>;
  /** Ends the threads. Stop the workers first: what still runs is ended with them. */
  close(): Promise<void>;
}

/** @param main the URL of `thread-main`, which only the entry knows. */
export function createThreadHandler<Data, Returned>(
  main: URL,
  module: URL,
  options: ThreadOptions,
): ThreadHandler<Data, Returned> {
  const threads = new Threads(main, threadRules(module, options));
  const handle = (job: Job<Data>, context: JobContext<Returned>): Promise<Returned> =>
    threads.run(job, context) as Promise<Returned>;
  const close = (): Promise<void> => threads.close();
  return Object.assign(handle, { close, [Symbol.asyncDispose]: close });
}

class Threads {
  readonly #main: string;
  readonly #rules: ThreadRules;
  readonly #pool: Piscina<ThreadTask, ThreadAnswer>;
  #closing: Promise<void> | undefined;

  constructor(main: URL, rules: ThreadRules) {
    const { minThreads, maxThreads, idleTimeoutMs, resourceLimits, execArgv } = rules;
    this.#main = main.href;
    this.#rules = rules;
    this.#pool = new Piscina<ThreadTask, ThreadAnswer>({
      minThreads,
      maxThreads,
      idleTimeout: idleTimeoutMs,
      ...(resourceLimits && { resourceLimits }),
      ...(execArgv && { execArgv: [...execArgv] }),
    });
    // Of a thread that has no job: one that has rejects its job with it.
    this.#pool.on("error", (error: Error) => {
      process.emitWarning(`a thread failed with ${error.name} while it had no job`, {
        code: "HEADROOM_THREAD_FAILED",
      });
    });
  }

  async run(job: Job, context: JobContext): Promise<unknown> {
    const { signal, fence } = context;
    signal.throwIfAborted();
    const { module, exportName } = this.#rules;
    const task = { module: module.href, exportName, job: { ...job, fence } };
    let answer: ThreadAnswer;
    try {
      answer = await this.#pool.run(task, { filename: this.#main, signal });
    } catch (error) {
      // Piscina's AbortError says less than why.
      if (signal.aborted && !isHeadroomError(error)) throw signal.reason;
      throw error;
    }
    if (answer.kind === "failed") throw errorOfThread(answer.error);
    return answer.result;
  }

  close(): Promise<void> {
    this.#closing ??= this.#pool.destroy();
    return this.#closing;
  }
}
