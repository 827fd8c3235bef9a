import { execFile } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { APP_DEPENDENCIES } from "./supported-versions.ts";

/**
 * An app of somebody who installs our packages: outside of the workspace, made by `npm init`, with
 * tarballs from npm in `node_modules` and the sources of `fixture/` as its own.
 */

const FIXTURE = join(dirname(fileURLToPath(import.meta.url)), "fixture");

/** One of our packages as npm has put it into the app. */
export interface InstalledPackage {
  /** With the scope: `"@headroom/core"`. */
  readonly name: string;
  readonly directory: string;
  readonly manifest: Manifest;
}

/** What the tests read of a `package.json`. */
interface Manifest {
  readonly version: string;
  readonly license?: string;
  readonly type?: string;
  readonly sideEffects?: boolean;
  readonly engines?: Record<string, string>;
  readonly exports: Record<string, string | Record<string, string>>;
  readonly scripts?: Record<string, string>;
  readonly dependencies?: Record<string, string>;
  readonly peerDependencies?: Record<string, string>;
  readonly repository?: { readonly directory?: string };
}

export async function createConsumerApp(directory: string, tarballs: string[]): Promise<void> {
  mkdirSync(directory, { recursive: true });
  await npm(directory, "init", "-y");
  const quietly = ["--no-audit", "--no-fund", "--prefer-offline"];
  await npm(directory, "install", ...quietly, ...tarballs, ...APP_DEPENDENCIES);
  cpSync(FIXTURE, directory, { recursive: true });
}

export function installedPackages(app: string): InstalledPackage[] {
  const scope = join(app, "node_modules/@headroom");
  return readdirSync(scope).map((folder) => {
    const directory = join(scope, folder);
    const manifest: Manifest = JSON.parse(readFileSync(join(directory, "package.json"), "utf8"));
    return { name: `@headroom/${folder}`, directory, manifest };
  });
}

/** What a user may import of a package: `["@headroom/core/backoff", …]`. */
export function specifiersOf({ name, manifest }: InstalledPackage): string[] {
  return Object.keys(manifest.exports)
    .filter((subpath) => subpath !== "./package.json")
    .map((subpath) => `${name}${subpath.slice(1)}`);
}

async function npm(directory: string, ...command: string[]): Promise<void> {
  await promisify(execFile)("npm", command, { cwd: directory });
}
