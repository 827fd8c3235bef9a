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

  constructor() {
    const child = fork(CHILD_MAIN, [], {
      execArgv: NODE_FLAGS,
      serialization: "advanced",
      stdio: ["ignore", 2, 2, "ipc"],
    });
    running.add(child);
    this.#child = child;
    this.#ended = new Promise((resolve) => {
      child.once("exit", () => {
        running.delete(child);
        resolve();
      });
    });
  }

  /** @throws the error of the variant; an Error when its process ends or does not answer in time. */
  async ask<Kind extends Exclude<Answer["answer"], "failed">>(
    order: Order,
    expected: Kind,
  ): Promise<Extract<Answer, { answer: Kind }>> {
    const answer = await this.#exchange(order);
    if (answer.answer === "failed") throw answer.error;
    if (answer.answer !== expected) throw new Error(`expected "${expected}", got "${answer.answer}"`);
    return answer as Extract<Answer, { answer: Kind }>;
  }

  #exchange(order: Order): Promise<Answer> {
    const child = this.#child;
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const exited = (code: number | null, signal: string | null): void =>
      reject(new Error(`its process ended with ${signal ?? `exit code ${code}`}, see its output`));
    const timeout = setTimeout(() => {
      reject(new Error(`no answer to "${order.order}" in ${ANSWER_TIMEOUT_MS / 1000} s`));
    }, ANSWER_TIMEOUT_MS);
    if (child.exitCode !== null || child.signalCode !== null) exited(child.exitCode, child.signalCode);
    child.once("message", resolve);
    child.once("exit", exited);
    child.send(order, (error) => error && reject(error));
    return promise.finally(() => {
      clearTimeout(timeout);
      child.off("message", resolve);
      child.off("exit", exited);
    });
  }

  /** Lets the variant close what it opened, for a while, then ends its process. */
  async [Symbol.asyncDispose](): Promise<void> {
    const timeout = setTimeout(() => this.#child.kill("SIGKILL"), CLOSE_TIMEOUT_MS);
    if (this.#child.connected) this.#child.disconnect();
    await this.#ended;
    clearTimeout(timeout);
  }
}
