import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/**
 * Signals for a server and all its descendants.
 *
 * A PostgreSQL backend is a child of the postmaster in a process group of its own, so a signal to
 * the group reaches the postmaster alone: a "paused" server that still answers on the connections it
 * has. We walk the tree by parent id instead, and stop parents before children so that no new child
 * appears behind our back.
 */

interface ProcessRow {
  readonly pid: number;
  readonly parent: number;
}

/** More looks at a tree than any server has generations of children. */
const MOST_LOOKS = 1000;

/** SIGSTOP to the whole tree. A process may fork until it has really stopped: we look until all have. */
export function pauseTree(pid: number): void {
  for (let look = 0; look < MOST_LOOKS; look += 1) {
    const moving = treeOf(pid).filter((one) => !isStopped(one));
    if (moving.length === 0) return;
    for (const one of moving) signal(one, "SIGSTOP");
  }
}

/** SIGCONT to the whole tree, children first: the parent wakes to a complete family. */
export function resumeTree(pid: number): void {
  for (const one of treeOf(pid).reverse()) signal(one, "SIGCONT");
}

/**
 * SIGKILL to the whole tree while it stands still: no child outlives its parent to flush its
 * buffers, which is as near as a process can come to the loss of a machine. Returns whom it hit.
 */
export function killTree(pid: number): number[] {
  pauseTree(pid);
  const tree = treeOf(pid);
  for (const one of tree) signal(one, "SIGKILL");
  return tree;
}

/** Resolves when none of the processes runs any more; nobody tells us of a grandchild's end. */
export async function gone(pids: readonly number[]): Promise<void> {
  while (pids.some((pid) => startOf(pid) !== undefined)) {
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** The process and its descendants, parents before children. */
function treeOf(pid: number): number[] {
  const rows = process.platform === "linux" ? procRows() : psRows();
  const tree = [pid];
  for (const parent of tree) {
    for (const row of rows) if (row.parent === parent) tree.push(row.pid);
  }
  return tree;
}

/**
 * When a process started, as an opaque text: with the pid it names one process, also after the pid
 * has been given to another. `undefined` when there is no such process (or only its zombie).
 */
export function startOf(pid: number): string | undefined {
  if (process.platform !== "linux") return ps("-o", "lstart=", "-p", String(pid));
  const fields = procFields(pid);
  return fields === undefined || fields[0] === "Z" ? undefined : fields[19];
}

/** Stopped, or not there any more. */
function isStopped(pid: number): boolean {
  const state = process.platform === "linux" ? procFields(pid)?.[0] : psState(pid);
  return state === undefined || /^[TtZX]/.test(state);
}

function psState(pid: number): string | undefined {
  return ps("-o", "state=", "-p", String(pid));
}

/** What `ps` prints, in one language; `undefined` when it finds no such process. */
function ps(...words: string[]): string | undefined {
  try {
    const env = { ...process.env, LC_ALL: "C" };
    return execFileSync("ps", words, { encoding: "utf8", env }).trim();
  } catch {
    return undefined;
  }
}

/** The fields of /proc/PID/stat after the command name (which may hold spaces and brackets). */
function procFields(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}

function procRows(): ProcessRow[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const parent = procFields(Number(name))?.[1];
      return parent === undefined ? [] : [{ pid: Number(name), parent: Number(parent) }];
    });
}

function psRows(): ProcessRow[] {
  return (ps("-A", "-o", "pid=,ppid=") ?? "").split("\n").map((line) => {
    const [pid, parent] = line.trim().split(/\s+/).map(Number);
    return { pid: pid ?? 0, parent: parent ?? 0 };
  });
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
