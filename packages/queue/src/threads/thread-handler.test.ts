/** With real threads, and so in real time. */

import { afterEach, describe, expect, test, vi } from "vitest";
import { isUnrecoverable, type Job, type JobContext, retryAfterMs } from "../job.ts";
import { createThreadHandler, type ThreadHandler } from "./thread-handler.ts";
import type { ThreadOptions } from "./thread-options.ts";

vi.setConfig({ testTimeout: 60_000 });

const MAIN = new URL("./thread-main.ts", import.meta.url);

/** Does what its job says. */
const WORK = new URL(
  `data:text/javascript,${encodeURIComponent(`
    import { RetryAfterError, UnrecoverableError } from "${new URL("../job.ts", import.meta.url)}";
    export default async function work({ data, id, attempt, fence }) {
      if (data === "hang") for (;;);
      if (data === "unrecoverable") throw new UnrecoverableError("it is no photo");
      if (data === "later") throw new RetryAfterError(5_000);
      if (data === "named") throw Object.assign(new Error("too small"), { name: "CropError" });
      if (data === "die") process.exit(3);
      if (data === "function") return () => {};
      return { data, id, attempt, fence };
    }
    export const shout = ({ data }) => data.toUpperCase();
  `)}`,
);

let threads: ThreadHandler<string, unknown> | undefined;

afterEach(async () => {
  await threads?.close();
});

function start(options: ThreadOptions = {}): ThreadHandler<string, unknown> {
  threads = createThreadHandler<string, unknown>(MAIN, WORK, { maxThreads: 1, ...options });
  return threads;
}

function job(data: string): Job<string> {
  return {
    id: "1",
    name: "photos",
    data,
    attempt: 2,
    maxAttempts: 5,
    headers: {},
    priority: 0,
    key: undefined,
    addedAtMs: 0,
    waitedMs: 0,
  };
}

function context(signal: AbortSignal = new AbortController().signal): JobContext {
  const no = (): Promise<never> => Promise.reject(new Error("not here"));
  return { signal, fence: "1:2:x", progress: no, completeIn: no, children: no };
}

describe("a handler in a thread", () => {
  test("gets its job and gives its result", async () => {
    const handle = start();
    expect(await handle(job("a"), context())).toEqual({
      data: "a",
      id: "1",
      attempt: 2,
      fence: "1:2:x",
    });
  });

  test("may be any function of its module; one that is not there is a failure", async () => {
    expect(await start({ exportName: "shout" })(job("a"), context())).toBe("A");
    await threads?.close();
    await expect(start({ exportName: "none" })(job("a"), context())).rejects.toThrow(
      /exports no function "none"/,
    );
  });

  test("throws errors that keep their name and what they mean", async () => {
    const handle = start();
    const thrown = (data: string) =>
      handle(job(data), context()).then(
        () => undefined,
        (error: Error) => error,
      );
    expect(await thrown("named")).toMatchObject({ name: "CropError", message: "too small" });
    expect(isUnrecoverable(await thrown("unrecoverable"))).toBe(true);
    expect(retryAfterMs(await thrown("later"))).toBe(5_000);
    expect(await thrown("function")).toBeInstanceOf(Error); // it cannot be cloned
    expect(await handle(job("a"), context())).toMatchObject({ data: "a" });
  });

  test("that ends its thread has failed, and the next job has a new one", async () => {
    const handle = start();
    await expect(handle(job("die"), context())).rejects.toThrow();
    expect(await handle(job("a"), context())).toMatchObject({ data: "a" });
  });

  test("that hangs is ended by its signal, with the signal's reason", async () => {
    const handle = start();
    const controller = new AbortController();
    const hanging = handle(job("hang"), context(controller.signal));
    const reason = new Error("time is up");
    const aborting = handle(job("a"), context()); // waits for the only thread
    controller.abort(reason);
    await expect(hanging).rejects.toBe(reason);
    expect(await aborting).toMatchObject({ data: "a" });
    await expect(handle(job("a"), context(controller.signal))).rejects.toBe(reason);
  });
});
