/**
 * `pnpm bench`: installs what the benchmarks compare against when it is not there yet, then starts
 * the runner.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { NODE_FLAGS } from "./src/node-flags.ts";
import { pnpmCommand } from "./src/pnpm-command.ts";

const folder = new URL(".", import.meta.url);

/** pnpm leaves, beside what it installed, the lockfile it installed from. */
function isInstalled(): boolean {
  const installedFrom = new URL("node_modules/.pnpm/lock.yaml", folder);
  const lockfile = new URL("pnpm-lock.yaml", folder);
  return (
    existsSync(installedFrom) &&
    readFileSync(installedFrom, "utf8") === readFileSync(lockfile, "utf8")
  );
}

function install(): void {
  console.error("Installing what the benchmarks compare against, into bench/ only");
  const [program, ...args] = pnpmCommand(process.env);
  const { status, stdout, stderr, error } = spawnSync(
    program,
    [...args, "install", "--frozen-lockfile"],
    // CI: nobody is there to answer a question.
    { cwd: folder, encoding: "utf8", env: { ...process.env, CI: "true" } },
  );
  if (status === 0) return;
  console.error(`${stdout ?? ""}${stderr ?? ""}${error?.message ?? ""}`);
  console.error("The dependencies of bench/ could not be installed, see above");
  process.exit(1);
}

if (!isInstalled()) install();
const runner = spawn(
  process.execPath,
  [...NODE_FLAGS, fileURLToPath(new URL("src/cli.ts", folder)), ...process.argv.slice(2)],
  { stdio: ["inherit", "inherit", "inherit", "ipc"] },
);
// A closed channel tells the runner to stop, also when we are killed.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => runner.connected && runner.disconnect());
}
runner.once("exit", (code) => process.exit(code ?? 1));
