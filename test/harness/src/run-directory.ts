import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { basename, join } from "node:path";
import { killTree, startOf } from "./process-tree.ts";

/**
 * Everything that a test process puts on the machine, and how the next one clears it away.
 *
 * A run directory is named for the process that owns it, `<pid>-<start of that process>`, so whether
 * its owner still lives is read off its name. Beside each server's directory lies a pid file with
 * the same pair for the server. A sweep removes the directories of dead owners and ends the servers
 * whose pair still matches: never a process that was given an old pid, never another run's.
 */
const ROOT = join(tmpdir(), `headroom-${userInfo().username}`);

let own: string | undefined;

/** This process's run directory, made on first use. */
export function runDirectory(): string {
  if (own) return own;
  own = join(ROOT, identity(process.pid));
  mkdirSync(own, { recursive: true, mode: 0o755 });
  process.once("exit", () => sweepRun(own ?? ""));
  return own;
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
  return list(ROOT)
    .filter((run) => !isAlive(run))
    .flatMap((run) => sweepRun(join(ROOT, run)));
}

/** Whether `<pid>-<start>` names a process that runs now. */
export function isAlive(id: string): boolean {
  const pid = Number(id.split("-", 1)[0]);
  return identity(pid) === id && startOf(pid) !== undefined;
}

/** `<pid>-<start>` of a process, the start without characters that a file name or label minds. */
export function identity(pid: number): string {
  return `${pid}-${(startOf(pid) ?? "gone").replaceAll(/[^\w]/g, "")}`;
}

function sweepRun(directory: string): string[] {
  const ended = list(directory)
    .filter((file) => file.endsWith(".pid"))
    .flatMap((file) => {
      const id = readFileSync(join(directory, file), "utf8");
      if (!isAlive(id)) return [];
      killTree(Number(id.split("-", 1)[0]));
      return [`${basename(file, ".pid")} (pid ${id.split("-", 1)[0]})`];
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
