import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { Engine } from "./place.ts";

const PACKAGE: Readonly<Record<Engine, string>> = { postgres: "postgresql", redis: "redis-server" };

const POLICY = "/usr/sbin/policy-rc.d";
const NO_MAIN_CLUSTER = "/etc/postgresql-common/createcluster.conf";

/**
 * Installs the missing servers where that is safe: Debian or Ubuntu, as root, unless
 * `HEADROOM_NO_INSTALL=1`. The packages start no service and make no cluster: the harness runs the
 * binaries itself, in directories and on ports of its own. (Later PostgreSQL packages make no
 * cluster by themselves either: `create_main_cluster = false` stays.)
 *
 * @throws Error with the one command to type, everywhere else.
 */
export function installBinaries(missing: readonly Engine[]): void {
  const packages = missing.map((engine) => PACKAGE[engine]);
  if (!mayInstall()) throw new Error(howToInstall(missing));
  say(`installing ${packages.join(", ")} with apt-get (HEADROOM_NO_INSTALL=1 forbids it) …`);
  const startedMs = performance.now();
  withoutServices(() => {
    apt("update");
    if (missing.includes("postgres")) {
      apt("install", "-y", "--no-install-recommends", "postgresql-common");
      const settings = existsSync(NO_MAIN_CLUSTER) ? readFileSync(NO_MAIN_CLUSTER, "utf8") : "";
      writeFileSync(NO_MAIN_CLUSTER, `${settings}\ncreate_main_cluster = false\n`);
    }
    apt("install", "-y", "--no-install-recommends", ...packages);
  });
  say(`installed in ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
}

function mayInstall(): boolean {
  return (
    process.env["HEADROOM_NO_INSTALL"] !== "1" &&
    process.getuid?.() === 0 &&
    existsSync("/etc/debian_version") &&
    existsSync("/usr/bin/apt-get")
  );
}

/** The one command for this kind of machine. */
export function howToInstall(missing: readonly Engine[]): string {
  const names = missing.map((engine) => PACKAGE[engine]).join(" ");
  const command = existsSync("/usr/bin/apt-get")
    ? `sudo apt-get install -y ${names}`
    : process.platform === "darwin"
      ? `brew install ${names.replace("redis-server", "redis").replace("postgresql", "postgresql@17")}`
      : existsSync("/usr/bin/dnf")
        ? `sudo dnf install -y ${names.replace("redis-server", "valkey-compat-redis")}`
        : undefined;
  const instead = "or start a Docker engine and set HEADROOM_SERVERS=docker";
  return command
    ? `These tests run on real servers, and this machine lacks: ${missing.join(", ")}. Type:\n\n  ${command}\n\n(${instead})`
    : `These tests run on real servers, and this machine lacks: ${missing.join(", ")}. Install them, ${instead}.`;
}

/** Debian's own way to say "start nothing now": a policy that answers 101. */
function withoutServices(install: () => void): void {
  const ours = !existsSync(POLICY);
  if (ours) writeFileSync(POLICY, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  try {
    install();
  } finally {
    if (ours) rmSync(POLICY, { force: true });
  }
}

function apt(...words: string[]): void {
  const options = ["-qq", "-o", "Dpkg::Options::=--force-confold", "-o", "DPkg::Lock::Timeout=300"];
  try {
    execFileSync("apt-get", [...options, ...words], {
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
      stdio: ["ignore", "ignore", "pipe"],
    });
  } catch (error) {
    const output = String((error as { stderr?: Buffer }).stderr ?? error);
    throw new Error(`apt-get ${words.join(" ")} failed:\n${output}`, { cause: error });
  }
}

function say(text: string): void {
  process.stderr.write(`headroom: ${text}\n`);
}
