/**
 * The runner's process.
 *
 * However it is told to stop (a signal, or start.ts gone), it disposes what is open, so that no server
 * outlives the benchmark, and gives that a few seconds. It ends by `exit`: a peer that leaves a timer
 * or a socket behind must not keep it.
 */
import { fileURLToPath } from "node:url";
import { readEnvironment } from "./environment.ts";
import { Lifetime } from "./lifetime.ts";
import { PACES } from "./pace.ts";
import { Progress } from "./progress.ts";
import { run } from "./run.ts";
import { systemStopwatch } from "./stopwatch.ts";

const CLOSE_TIMEOUT_MS = 10_000;
const INTERRUPTED = 130;

const root = new URL("../", import.meta.url);
const lifetime = new Lifetime();
const progress = new Progress(process.stderr);

let isInterrupted = false;

function interrupt(): void {
  if (isInterrupted) return;
  isInterrupted = true;
  setTimeout(() => process.exit(INTERRUPTED), CLOSE_TIMEOUT_MS);
  progress.clear();
  void lifetime.close().finally(() => process.exit(INTERRUPTED));
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, interrupt);
process.once("disconnect", interrupt);

const code = await run(process.argv.slice(2), {
  areas: fileURLToPath(new URL("areas/", root)),
  environment: readEnvironment(root),
  paces: PACES,
  stopwatch: systemStopwatch,
  lifetime,
  progress,
  print: (text) => void process.stdout.write(`${text}\n`),
  printError: (text) => void process.stderr.write(`${text}\n`),
});
process.exit(code);
