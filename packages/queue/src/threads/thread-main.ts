/** Runs in the thread: takes the application's function from its module, and calls it. */

import { failureOfThread } from "./thread-failure.ts";
import type { ThreadAnswer, ThreadTask } from "./thread-message.ts";

/** What piscina calls. */
export default async function runTask(task: ThreadTask): Promise<ThreadAnswer> {
  try {
    const module: Record<string, unknown> = await import(task.module);
    const run = module[task.exportName];
    if (typeof run !== "function") {
      throw new TypeError(`the module of a thread exports no function "${task.exportName}"`);
    }
    return { kind: "done", result: await run(task.job) };
  } catch (error) {
    return { kind: "failed", error: failureOfThread(error) };
  }
}
