import { readFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";

/** Where a figure was measured: without it a figure cannot be compared with another day's. */
export interface Environment {
  readonly cpu: string;
  readonly cores: number;
  /** Load average of the last minute when the case began, the benchmark's own included. */
  readonly load: number;
  readonly platform: string;
  /** Node and every package the benchmarks link or install. */
  readonly versions: Readonly<Record<string, string>>;
}

/** @param root the folder of the benchmarks' package.json and node_modules. */
export function readEnvironment(root: URL): Environment {
  const cores = cpus();
  const { dependencies = {} } = readPackage(new URL("package.json", root));
  const versions = Object.keys(dependencies).map((name) => {
    const installed = readPackage(new URL(`node_modules/${name}/package.json`, root));
    return [name, installed.version ?? "unknown"];
  });
  return {
    cpu: cores[0]?.model.trim() ?? "unknown",
    cores: cores.length,
    load: currentLoad(),
    platform: `${process.platform} ${process.arch}`,
    versions: { node: process.versions.node, ...Object.fromEntries(versions) },
  };
}

export function currentLoad(): number {
  return Number((loadavg()[0] ?? 0).toFixed(2));
}

function readPackage(file: URL): { version?: string; dependencies?: Record<string, string> } {
  return JSON.parse(readFileSync(file, "utf8"));
}
