import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { killTree, startOf } from "./process-tree.ts";
import { temporaryHome } from "./temporary-home.ts";

/**
 * Everything that a test process puts on the machine, and how the next one clears it away.
 *
 * A run directory is named for the process that owns it: its pid, its start and the namespace of its
 * pids. So whether its owner still lives is read off its name, and an owner in another container,
 * whose pids mean nothing here, is left alone. Beside each server's directory lies a file with the
 * same identity of the server. A sweep removes the directories of dead owners and ends the servers
 * whose identity still holds: never a process that was given an old pid, never another run's.
 */
const ROOT = join(temporaryHome(), `headroom-${process.getuid?.() ?? "user"}`);

let own: string | undefined;

/** This process's run directory, made on first use. */
export function runDirectory(): string {
  if (own) return own;
  requireOwnRoot();
  own = join(ROOT, identity(process.pid));
  makeReadable(own);
  process.once("exit", sweepOwnRun);
  return own;
}

/** Ends this process's servers and removes their files, at once and without asking them. */
export function sweepOwnRun(): void {
  if (own) sweepRun(own);
}

/** Notes that `pid` runs for the server whose files are in `directory`. */
export function recordProcess(directory: string, pid: number): void {
  writeFileSync(`${directory}.pid`, identity(pid));
}

export function forgetProcess(directory: string): void {
  rmSync(`${directory}.pid`, { force: true });
}

/** Ends the servers and removes the files of runs whose process is gone. Returns what it ended. */
export function sweepDeadRuns(): string[] {
  requireOwnRoot();
  return list(ROOT)
    .filter((run) => isGone(run))
    .flatMap((run) => sweepRun(join(ROOT, run)));
}

/** `<pid>-<start>-<namespace>` of a process, of characters that a file name or label does not mind. */
export function identity(pid: number): string {
  return `${pid}-${(startOf(pid) ?? "gone").replaceAll(/[^\w]/g, "")}-${pidNamespace()}`;
}

/** Whether the process of this identity has ended; false for one of another pid namespace. */
export function isGone(id: string): boolean {
  return id.endsWith(`-${pidNamespace()}`) && !isAlive(id);
}

function isAlive(id: string): boolean {
  const pid = pidOf(id);
  return startOf(pid) !== undefined && identity(pid) === id;
}

function pidOf(id: string): number {
  return Number(id.split("-", 1)[0]);
}

function pidNamespace(): string {
  if (process.platform !== "linux") return "host";
  return readlinkSync("/proc/self/ns/pid").replaceAll(/\D/g, "");
}

/** Others may write to the folder above: what they put there in our name is not taken for ours. */
function requireOwnRoot(): void {
  makeReadable(ROOT);
  const root = lstatSync(ROOT);
  if (!root.isDirectory() || root.uid !== (process.getuid?.() ?? root.uid)) {
    throw new Error(`${ROOT} must be a directory of the user who runs the tests. Remove it`);
  }
}

/** The servers' own user must be able to pass through, whatever the umask. */
function makeReadable(directory: string): void {
  mkdirSync(directory, { recursive: true });
  if (lstatSync(directory).uid === process.getuid?.()) chmodSync(directory, 0o755);
}

function sweepRun(directory: string): string[] {
  const ended = list(directory)
    .filter((file) => file.endsWith(".pid"))
    .flatMap((file) => {
      const id = readFileSync(join(directory, file), "utf8");
      if (!isAlive(id)) return [];
      killTree(pidOf(id));
      return [`${basename(file, ".pid")} (pid ${pidOf(id)})`];
    });
  rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  return ended;
}

function list(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
