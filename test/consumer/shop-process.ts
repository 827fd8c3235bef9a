import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { forgetProcess, recordProcess, runDirectory } from "../harness/src/run-directory.ts";

export interface ShopOptions {
  /** The folder of the app, with its dependencies installed. */
  readonly app: string;
  /** The `node` that runs it. */
  readonly binary: string;
  /** The service that knows the prices. */
  readonly pricesUrl: string;
  /** Passed on to `CircuitBreaker` as they are, mistakes included. */
  readonly circuitSettings?: Record<string, unknown>;
}

/** `fixture/shop.mjs` as a process that listens on the loopback interface. */
export class ShopProcess implements AsyncDisposable {
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;

  private constructor(url: string, child: ChildProcess, ended: Promise<number | null>) {
    this.url = url;
    this.#child = child;
    this.#ended = ended;
  }

  /** @throws Error with the exit code and what it printed, when it ends instead of listening. */
  static async start({ app, binary, ...settings }: ShopOptions): Promise<ShopProcess> {
    const child = spawn(binary, ["shop.mjs", JSON.stringify(settings)], {
      cwd: app,
      stdio: ["ignore", "pipe", "pipe"],
    });
    // Should this process be killed, the next run finds and ends the shop.
    const record = join(runDirectory(), `shop-${child.pid}`);
    if (child.pid) recordProcess(record, child.pid);
    const ended = once(child, "close").then(([exitCode]) => {
      forgetProcess(record);
      return exitCode;
    });
    const complaints = text(child.stderr);
    const failed = ended.then(async (exitCode) => {
      throw new Error(`the shop ended with exit code ${exitCode}: ${await complaints}`);
    });
    const [line] = await Promise.race([once(child.stdout, "data"), failed]);
    return new ShopProcess(String(line).replace("listening on", "").trim(), child, ended);
  }

  /** Asks it to end, as a deployment does, and waits. Resolves with its exit code. */
  stop(): Promise<number | null> {
    this.#child.kill("SIGTERM");
    return this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended;
  }
}
