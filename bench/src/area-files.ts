import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Area } from "./area.ts";
import { UsageError } from "./arguments.ts";

/**
 * The files of the areas asked for, all when none is: `lb` is `lb.ts` in the folder.
 * @throws UsageError for an area that has no file.
 */
export function selectAreaFiles(folder: string, names: readonly string[]): string[] {
  const known = readdirSync(folder)
    .filter((file) => file.endsWith(".ts"))
    .map((file) => basename(file, ".ts"))
    .toSorted();
  for (const name of names) {
    if (!known.includes(name)) {
      throw new UsageError(`There is no area "${name}". Areas: ${known.join(", ")}`);
    }
  }
  return known
    .filter((name) => names.length === 0 || names.includes(name))
    .map((name) => join(folder, `${name}.ts`));
}

/** @throws what the file throws; TypeError when its default export is not an area of its name. */
export async function importArea(file: string): Promise<Area> {
  const { default: area } = (await import(pathToFileURL(file).href)) as { default?: Area };
  const name = basename(file, ".ts");
  if (area?.name === name && Array.isArray(area.cases)) return area;
  throw new TypeError(`${file} must have the default export area("${name}", …)`);
}
