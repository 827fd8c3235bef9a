import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
} from "node:fs";
import { delimiter, join } from "node:path";
import { END_WITHIN_MS, type Place, type Program, type ServerProcess } from "../place.ts";
import { gone, killTree, pauseTree, resumeTree } from "../process-tree.ts";
import { forgetProcess, recordProcess, runDirectory } from "../run-directory.ts";
import { serverUser } from "../server-user.ts";

let created = 0;

/** Servers as child processes, from the binaries in `directories` and on the PATH. */
export function localPlace(directories: readonly string[]): Place {
  const path = [...directories, process.env["PATH"] ?? ""].join(delimiter);
  return { kind: "local", create: (program) => new LocalProcess(program, path) };
}

class LocalProcess implements ServerProcess {
  readonly #program: Program;
  readonly #path: string;
  readonly #directory: string;
  readonly #log: string;
  #child: ChildProcess | undefined;
  #starting: Promise<void> | undefined;

  constructor(program: Program, path: string) {
    created += 1;
    this.#program = program;
    this.#path = path;
    this.#directory = join(runDirectory(), `${program.name}-${created}`);
    this.#log = `${this.#directory}.log`;
  }

  start(): Promise<void> {
    this.#starting = this.#spawn();
    return this.#starting;
  }

  async stop(): Promise<void> {
    await this.#end(this.#program.stopSignal);
  }

  async kill9(): Promise<void> {
    const child = this.#running();
    if (!child) return;
    const tree = killTree(pidOf(child));
    await this.#ended(child);
    await gone(tree);
  }

  async pause(): Promise<void> {
    const child = this.#running();
    if (child) pauseTree(pidOf(child));
  }

  async resume(): Promise<void> {
    const child = this.#running();
    if (child) resumeTree(pidOf(child));
  }

  async logs(): Promise<string> {
    return existsSync(this.#log) ? readFileSync(this.#log, "utf8") : "";
  }

  async isRunning(): Promise<boolean> {
    return this.#running() !== undefined;
  }

  async destroy(): Promise<void> {
    await this.#starting?.catch(() => {});
    await this.#end(this.#program.quitSignal);
    rmSync(this.#directory, { recursive: true, force: true });
    rmSync(this.#log, { force: true });
  }

  async #spawn(): Promise<void> {
    const user = serverUser();
    if (!existsSync(this.#directory)) {
      mkdirSync(this.#directory, { mode: 0o700 });
      if (user) chownSync(this.#directory, user.uid, user.gid);
    }
    const log = openSync(this.#log, "a");
    const child = spawn("sh", ["-ec", this.#program.script], {
      cwd: this.#directory,
      env: { PATH: this.#path, HOME: this.#directory, LC_ALL: "C", NODE: process.execPath },
      stdio: ["ignore", log, log],
      detached: true,
      ...user,
    });
    closeSync(log);
    await once(child, "spawn");
    child.unref();
    this.#child = child;
    recordProcess(this.#directory, pidOf(child));
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#running();
    if (!child) return;
    resumeTree(pidOf(child));
    child.kill(signal);
    const timer = setTimeout(() => killTree(pidOf(child)), END_WITHIN_MS);
    await this.#ended(child);
    clearTimeout(timer);
  }

  #running(): ChildProcess | undefined {
    const child = this.#child;
    return child && child.exitCode === null && child.signalCode === null ? child : undefined;
  }

  async #ended(child: ChildProcess): Promise<void> {
    if (child.exitCode === null && child.signalCode === null) {
      child.ref();
      await once(child, "exit");
    }
    forgetProcess(this.#directory);
  }
}

function pidOf(child: ChildProcess): number {
  if (child.pid === undefined)
    throw new Error("The server's process has no pid: it was not started");
  return child.pid;
}
