import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, inject, test } from "vitest";
import { installedPackages } from "./consumer-app.ts";
import { PACKAGES_FOLDER } from "./packed-packages.ts";

const KIB = 1024;
/** A source file of 250 lines has 10 KiB; a bundled dependency has hundreds. */
const LARGEST_FILE_BYTES = 64 * KIB;
/** Its source, code, types and maps; a bundled dependency would come on top. */
const MOST_TIMES_ITS_SOURCE = 3;
const OTHER_BYTES = 64 * KIB;

const packages = installedPackages(inject("consumerApp"));

test("every folder of packages/ can be installed", () => {
  const installed = packages.map(({ directory }) => basename(directory));
  expect(installed.sort()).toEqual(readdirSync(PACKAGES_FOLDER).sort());
});

describe.each(packages)("what a user gets of $name", ({ directory, manifest }) => {
  const files = readdirSync(directory, { recursive: true, encoding: "utf8" }).filter((file) =>
    statSync(join(directory, file)).isFile(),
  );

  test("is the built files, their source, the README and the licence", () => {
    expect(readdirSync(directory).sort()).toEqual([
      "LICENSE",
      "README.md",
      "dist",
      "package.json",
      "src",
    ]);
    expect(readFileSync(join(directory, "LICENSE"), "utf8")).toMatch(/^MIT License/);
  });

  test("is no test, no configuration and no secret", () => {
    const shipped = /^(dist|src)\/[\w/-]+\.(ts|js|d\.ts|js\.map|d\.ts\.map)$/;
    const outside = ["LICENSE", "README.md", "package.json"];
    expect(files.filter((file) => !shipped.test(file) && !outside.includes(file))).toEqual([]);
    expect(files.filter((file) => /\.test\./.test(file))).toEqual([]);
  });

  test("is small", () => {
    const sizes = files.map((file) => ({ file, bytes: statSync(join(directory, file)).size }));
    expect(sizes.filter(({ bytes }) => bytes > LARGEST_FILE_BYTES)).toEqual([]);
    const sum = (some: typeof sizes): number => some.reduce((all, { bytes }) => all + bytes, 0);
    const source = sum(sizes.filter(({ file }) => file.startsWith("src/")));
    expect(sum(sizes)).toBeLessThan(MOST_TIMES_ITS_SOURCE * source + OTHER_BYTES);
  });

  test("has a file behind every path of its exports", () => {
    for (const [subpath, target] of Object.entries(manifest.exports)) {
      if (subpath === "./package.json") continue;
      expect(Object.keys(target), subpath).toEqual(["@headroom/source", "types", "default"]);
      for (const path of Object.values(target)) {
        expect(existsSync(join(directory, path)), `${path} of ${subpath}`).toBe(true);
      }
    }
  });

  test("has maps that lead to the source", () => {
    const maps = files.filter((file) => file.endsWith(".map"));
    expect(maps.length).toBeGreaterThan(0);
    for (const file of maps) {
      const map: { sources: string[] } = JSON.parse(readFileSync(join(directory, file), "utf8"));
      for (const source of map.sources) {
        expect(existsSync(join(directory, file, "..", source)), `${source} of ${file}`).toBe(true);
      }
    }
  });

  test("runs nothing when it is installed", () => {
    const scripts = Object.keys(manifest.scripts ?? {});
    expect(scripts.filter((name) => /^(pre|post)?install$|^prepare$/.test(name))).toEqual([]);
  });

  test("says which Node it needs, its licence, and that unused parts can be left out", () => {
    expect(manifest).toMatchObject({
      license: "MIT",
      type: "module",
      sideEffects: false,
      engines: { node: ">=20.19" },
      repository: { directory: `packages/${basename(directory)}` },
    });
  });

  test("depends on versions that npm understands", () => {
    const ranges = Object.values({ ...manifest.dependencies, ...manifest.peerDependencies });
    expect(ranges.filter((range) => /^(workspace|catalog|link|file):/.test(range))).toEqual([]);
  });
});

test("@headroom/core depends on nothing", () => {
  const core = packages.find(({ name }) => name === "@headroom/core");
  expect(core?.manifest.dependencies ?? {}).toEqual({});
  expect(core?.manifest.peerDependencies ?? {}).toEqual({});
});
