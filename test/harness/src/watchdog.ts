import type { ChildProcess } from "node:child_process";
import { writeSync } from "node:fs";
import { type Server, Socket } from "node:net";
import { sweepOwnRun } from "./run-directory.ts";

/**
 * Ends a process that hangs, and says what it hangs on.
 *
 * A test runner's own timeout fails a test, but a test file whose servers, sockets or children keep
 * it alive stays for ever and tells nothing. The watchdog prints the open handles, ends this
 * process's servers, and kills it: a test runner would intercept an exit.
 */
export function armWatchdog(what: string, withinMs: number): Disposable {
  const timer = setTimeout(() => {
    writeSync(2, `headroom: ${what} still runs after ${withinMs} ms. ${openHandles()}\n`);
    sweepOwnRun();
    process.kill(process.pid, "SIGKILL");
  }, withinMs);
  timer.unref();
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}

/** What keeps this process alive, a line each. */
function openHandles(): string {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo())
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const kinds = [...counts].map(([kind, count]) => `${count} ${kind}`).join(", ");
  // Undocumented, but the only list that tells which socket and which child.
  const handles =
    (process as unknown as { _getActiveHandles?: () => unknown[] })._getActiveHandles?.() ?? [];
  return [`Open handles: ${kinds || "none"}`, ...handles.flatMap(describeHandle)].join("\n  ");
}

function describeHandle(handle: unknown): string[] {
  if (handle instanceof Socket) {
    if (handle.remotePort === undefined) return [];
    return [`socket from port ${handle.localPort} to port ${handle.remotePort}`];
  }
  const { pid, spawnargs } = handle as Partial<ChildProcess>;
  if (pid !== undefined) return [`child ${pid}: ${spawnargs?.join(" ").slice(0, 120)}`];
  const address = (handle as Partial<Server>).address?.();
  return typeof address === "object" && address !== null ? [`server on port ${address.port}`] : [];
}
