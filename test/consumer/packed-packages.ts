import { execFile } from "node:child_process";
import { mkdirSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { pnpmCommand } from "../../bench/src/pnpm-command.ts";

/**
 * The packages as they would be published now.
 *
 * pnpm packs them, because pnpm publishes them: it replaces `workspace:^` and `catalog:` by versions,
 * adds the licence, and builds in the order of the dependencies. Doing that here with `npm pack` on
 * an edited copy would test the copy. It is the pnpm that started us; when vitest was started in
 * another way, `npx` brings one, as it does for whoever types the README's command.
 */

const WORKSPACE = join(dirname(fileURLToPath(import.meta.url)), "../..");

/** Every workspace in this folder is a public package; a new one is covered when it appears. */
export const PACKAGES_FOLDER: string = join(WORKSPACE, "packages");

/**
 * Builds and packs everything in `packages/`.
 * @returns the paths of the tarballs, which are put into `directory`.
 */
export async function packPackages(directory: string): Promise<string[]> {
  mkdirSync(directory, { recursive: true });
  await pnpm("run", "build");
  await pnpm("pack", "--pack-destination", directory);
  return readdirSync(directory).map((tarball) => join(directory, tarball));
}

async function pnpm(...command: string[]): Promise<void> {
  const [program, ...first] = pnpmCommand(process.env);
  await promisify(execFile)(program, [...first, "--filter", "./packages/*", ...command], {
    cwd: WORKSPACE,
    // What is installed is being tested already: not the moment to install something else.
    env: { ...process.env, pnpm_config_verify_deps_before_run: "false" },
  });
}
