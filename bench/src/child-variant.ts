import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Answer, Order } from "./child-protocol.ts";
import { NODE_FLAGS } from "./node-flags.ts";

const CHILD_MAIN = fileURLToPath(new URL("./child-main.ts", import.meta.url));

/** A variant that has not answered by then hangs. */
const ANSWER_TIMEOUT_MS = 120_000;
/** How long a variant may take to close what it opened. */
const CLOSE_TIMEOUT_MS = 5_000;

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/**
 * The runner's side of a variant's own process: one order at a time, each with its answer.
 *
 * Its output goes to the runner's stderr, so that the table stays readable.
 */
export class ChildVariant implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #end: Error | undefined;
  #waiting: { resolve(answer: Answer): void; reject(error: Error): void } | undefined;

  constructor() {
    const child = fork(CHILD_MAIN, [], {
      execArgv: NODE_FLAGS,
      serialization: "advanced",
      stdio: ["ignore", 2, 2, "ipc"],
    });
    running.add(child);
    this.#child = child;
    child.on("message", (answer: Answer) => this.#waiting?.resolve(answer));
    this.#ended = new Promise((resolve) => {
      const end = (reason: string): void => {
        this.#end = new Error(`the variant's own process ${reason}`);
        this.#waiting?.reject(this.#end);
        running.delete(child);
        resolve();
      };
      child.once("exit", (code, signal) => end(`ended with ${signal ?? `exit code ${code}`}`));
      child.on("error", (error) => child.pid ?? end(`did not start: ${error.message}`));
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** @throws the error of the variant; an Error when its process ends or does not answer in time. */
  async ask<Kind extends Exclude<Answer["answer"], "failed">>(
    order: Order,
    expected: Kind,
  ): Promise<Extract<Answer, { answer: Kind }>> {
    const answer = await this.#exchange(order);
    if (answer.answer === "failed") throw answer.error;
    if (answer.answer === expected) return answer as Extract<Answer, { answer: Kind }>;
    throw new Error(`expected the answer "${expected}", got "${answer.answer}"`);
  }

  async #exchange(order: Order): Promise<Answer> {
    const timeout = setTimeout(() => {
      const seconds = ANSWER_TIMEOUT_MS / 1000;
      this.#waiting?.reject(new Error(`no answer to "${order.order}" in ${seconds} s`));
    }, ANSWER_TIMEOUT_MS);
    try {
      return await new Promise((resolve, reject) => {
        this.#waiting = { resolve, reject };
        if (this.#end) reject(this.#end);
        else this.#child.send(order, (error) => error && reject(error));
      });
    } finally {
      clearTimeout(timeout);
    }
  }

  /** Lets the variant close what it opened, for a while, then ends its process. */
  async [Symbol.asyncDispose](): Promise<void> {
    const timeout = setTimeout(() => this.#child.kill("SIGKILL"), CLOSE_TIMEOUT_MS);
    if (this.#child.connected) this.#child.disconnect();
    await this.#ended;
    clearTimeout(timeout);
  }
}
