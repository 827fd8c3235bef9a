import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { readEnvironment } from "./environment.ts";

test("the versions of Node and of every installed dependency are known", () => {
  const folder = mkdtempSync(join(tmpdir(), "headroom-bench-"));
  const installed = join(folder, "node_modules/@scope/peer");
  mkdirSync(installed, { recursive: true });
  writeFileSync(join(folder, "package.json"), '{"dependencies":{"@scope/peer":"^6.0.0"}}');
  writeFileSync(join(installed, "package.json"), '{"version":"6.1.2"}');
  const { versions, cores, load } = readEnvironment(pathToFileURL(`${folder}/`));
  rmSync(folder, { recursive: true });
  expect(versions).toEqual({ node: process.versions.node, "@scope/peer": "6.1.2" });
  expect(cores).toBeGreaterThan(0);
  expect(load).toBeGreaterThanOrEqual(0);
});
