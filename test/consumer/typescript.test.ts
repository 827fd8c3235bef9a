import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, inject, test } from "vitest";
import { npmPackage } from "../harness/src/npm-binaries.ts";
import { installedPackages, specifiersOf } from "./consumer-app.ts";
import { TYPESCRIPTS } from "./supported-versions.ts";

/**
 * The declarations are read by compilers older and newer than the one that wrote them, with
 * `skipLibCheck` off, so that an error inside of them is one. The source that is checked holds
 * mistakes marked `@ts-expect-error`: were a type to become `any`, they would compile, and fail.
 */

const app = inject("consumerApp");
const packages = installedPackages(app);

/** `core.types.mts` is what a user of `@headroom/core` may write. */
const sourceOf = (name: string): string => `${name.replace("@headroom/", "")}.types.mts`;

describe.each(packages)("the source that uses $name", (installed) => {
  test("uses every path of its exports", () => {
    const source = readFileSync(join(app, sourceOf(installed.name)), "utf8");
    const unused = specifiersOf(installed).filter((path) => !source.includes(`from "${path}"`));
    expect(unused).toEqual([]);
  });
});

const RESOLUTIONS = [
  ["nodenext", ["--module", "nodenext", "--moduleResolution", "nodenext"]],
  ["bundler", ["--module", "esnext", "--moduleResolution", "bundler"]],
] as const;

describe.each(TYPESCRIPTS)("%s", (typescript) => {
  test.each(RESOLUTIONS)("type-checks it with moduleResolution %s", async (_, resolution) => {
    const compiler = join(await npmPackage(typescript), "bin/tsc");
    const strictly = ["--noEmit", "--strict", "--exactOptionalPropertyTypes"];
    const platform = ["--target", "es2022", "--types", "node"];
    const sources = packages.map(({ name }) => sourceOf(name));
    expect(await complaints(compiler, [...strictly, ...platform, ...resolution, ...sources])).toBe(
      "",
    );
  });
});

/** What the compiler prints: nothing, when all is well. */
async function complaints(compiler: string, options: readonly string[]): Promise<string> {
  try {
    const run = promisify(execFile)(process.execPath, [compiler, ...options], { cwd: app });
    return (await run).stdout;
  } catch (error) {
    if (error instanceof Error && "stdout" in error && error.stdout) return String(error.stdout);
    throw error;
  }
}
