import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type {
  BackendCommand,
  BackendSettings,
  FromBackend,
  HttpBackendStats,
  ToBackend,
} from "./http-backend-protocol.ts";
import type { ServerProcess } from "./place.ts";
import { forgetProcess, recordProcess, runDirectory } from "./run-directory.ts";

const PROGRAM = fileURLToPath(new URL("http-backend.ts", import.meta.url));
const STOP_WITHIN_MS = 5000;

let created = 0;

/**
 * The child process of an HTTP backend, over as many lives as a test gives it. It is this same Node,
 * so it is local wherever other servers come from. It ends when this process does, by itself; only
 * one that is paused then cannot, and is found by its pid file.
 */
export class HttpBackendProcess implements ServerProcess {
  readonly #settings: BackendSettings;
  readonly #files: string;
  readonly #waiting = new Map<number, Waiting>();
  #child: ChildProcess | undefined;
  #asked = 0;

  constructor(settings: BackendSettings) {
    created += 1;
    this.#settings = settings;
    this.#files = join(runDirectory(), `${settings.name}-${created}`);
  }

  /** Resolves when it listens. */
  async start(): Promise<void> {
    const log = openSync(this.#log, "a");
    const child = spawn(process.execPath, [PROGRAM, JSON.stringify(this.#settings)], {
      env: { PATH: process.env["PATH"] },
      stdio: ["ignore", log, log, "ipc"],
    });
    closeSync(log);
    await once(child, "spawn");
    this.#child = child;
    recordProcess(this.#files, Number(child.pid));
    child.once("exit", () => this.#ended());
    const listens = new Promise<void>((resolve) => {
      child.on("message", (message: FromBackend) => {
        if (message.kind === "listening") resolve();
        else this.#waiting.get(message.id)?.resolve(message.stats);
      });
    });
    await Promise.race([listens, once(child, "exit")]);
    if (!(await this.isRunning())) {
      throw new Error(`${this.#settings.name} ended instead of listening:\n${await this.logs()}`);
    }
  }

  /** Sends a command and resolves with the stats after it; waits while the process is paused. */
  ask(command: BackendCommand): Promise<HttpBackendStats> {
    this.#asked += 1;
    const message: ToBackend = { ...command, id: this.#asked };
    return new Promise<HttpBackendStats>((resolve, reject) => {
      const fail = (): void => {
        reject(new Error(`${this.#settings.name} does not run: it cannot ${command.kind}`));
      };
      if (!this.#child?.connected) return fail();
      this.#waiting.set(message.id, { resolve, fail });
      this.#child.send(message, (error) => error && fail());
    }).finally(() => this.#waiting.delete(message.id));
  }

  async stop(): Promise<void> {
    await this.resume();
    const timer = setTimeout(() => this.#child?.kill("SIGKILL"), STOP_WITHIN_MS);
    await this.#signalAndWait("SIGTERM");
    clearTimeout(timer);
  }

  async kill9(): Promise<void> {
    await this.#signalAndWait("SIGKILL");
  }

  async pause(): Promise<void> {
    this.#child?.kill("SIGSTOP");
  }

  async resume(): Promise<void> {
    this.#child?.kill("SIGCONT");
  }

  async logs(): Promise<string> {
    return existsSync(this.#log) ? readFileSync(this.#log, "utf8") : "";
  }

  async isRunning(): Promise<boolean> {
    return this.#child !== undefined;
  }

  async destroy(): Promise<void> {
    await this.kill9();
    rmSync(this.#log, { force: true });
  }

  get #log(): string {
    return `${this.#files}.log`;
  }

  /** The process starts no other, so a signal to it reaches its whole tree. */
  async #signalAndWait(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (!child) return;
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  }

  #ended(): void {
    this.#child = undefined;
    forgetProcess(this.#files);
    for (const { fail } of this.#waiting.values()) fail();
  }
}

/** A command that has been sent and not been answered. */
interface Waiting {
  resolve(stats: HttpBackendStats): void;
  fail(): void;
}
