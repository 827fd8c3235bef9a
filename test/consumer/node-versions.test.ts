import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { installedPackages, specifiersOf } from "./consumer-app.ts";
import { nodeBinary } from "./node-binary.ts";
import { NODES } from "./supported-versions.ts";

const app = inject("consumerApp");
const packages = installedPackages(app);

/** A process that has not ended by itself by then never will. */
const HANGS_AFTER_MS = 60_000;

describe.each(NODES)("on %s", (specifier) => {
  let binary: string;
  beforeAll(async () => {
    binary = await nodeBinary(specifier);
  });

  /** Runs a program of the app to its end. Rejects, with its stderr, when it fails or hangs. */
  async function run(...command: string[]): Promise<string> {
    const options = { cwd: app, timeout: HANGS_AFTER_MS };
    const { stdout } = await promisify(execFile)(binary, command, options);
    return stdout.trim();
  }

  test("runs that version", async () => {
    expect(await run("--version")).toBe(specifier.replace("node@", "v"));
  });

  describe.each(packages)("$name", (installed) => {
    const program = installed.name.replace("@headroom/", "");

    test("is the same by import and by require()", async () => {
      const specifiers = specifiersOf(installed);
      const loaded = await run("load-both-ways.mjs", ...specifiers);
      expect(loaded.split("\n")).toEqual(specifiers);
    });

    test("does what it is for", async () => {
      expect(await run(`${program}.smoke.mjs`)).toBe("all as expected");
    });

    test("lets the process end while its timers are pending", async () => {
      expect(await run(`${program}.pending.mjs`)).toBe("waiting");
    });
  });
});
