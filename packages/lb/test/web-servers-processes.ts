/** Web servers in processes of their own (`web-servers-program.ts`), to be killed at will. */

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

export interface WebServerProcess {
  readonly id: string;
  readonly url: string;
  readonly pid: number;
  /** Resolves when it has ended. */
  kill(signal: NodeJS.Signals): Promise<void>;
}

const PROGRAM = fileURLToPath(new URL("web-servers-program.ts", import.meta.url));

/** One that listens; it ends with the test. */
export async function webServerProcess(id: string): Promise<WebServerProcess> {
  const child = fork(PROGRAM, { execArgv: [] });
  onTestFinished(() => ended(child, "SIGKILL"));
  const [port] = (await once(child, "message")) as [number];
  const url = `http://127.0.0.1:${port}`;
  return { id, url, pid: Number(child.pid), kill: (signal) => ended(child, signal) };
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  child.kill(signal);
  await exit;
}
