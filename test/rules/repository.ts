import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository as its rules see it: paths from its root, with their text. */
export type Repository = ReadonlyMap<string, string>;

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../..");
const NOT_OURS = /(^|\/)(node_modules|dist|\.git|coverage)$|^docs\/api$/;

export function readRepository(): Repository {
  const files = new Map<string, string>();
  const read = (folder: string): void => {
    for (const entry of readdirSync(join(ROOT, folder), { withFileTypes: true })) {
      const path = folder ? `${folder}/${entry.name}` : entry.name;
      if (entry.isDirectory() && !NOT_OURS.test(path)) read(path);
      if (entry.isFile()) files.set(path, readFileSync(join(ROOT, path), "utf8"));
    }
  };
  read("");
  return files;
}

/** The names of the folders in packages/. */
export function packageNames(repository: Repository): string[] {
  return [...repository.keys()].flatMap(
    (path) => /^packages\/([^/]+)\/package\.json$/.exec(path)?.[1] ?? [],
  );
}

/** Published code: the sources of packages, without their tests. */
export function sources(repository: Repository): [path: string, text: string][] {
  return [...repository].filter(
    ([path]) => /^packages\/[^/]+\/src\/.*\.ts$/.test(path) && !path.endsWith(".test.ts"),
  );
}
