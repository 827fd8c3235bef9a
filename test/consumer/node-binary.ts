import { join } from "node:path";
import { npmPackage } from "../harness/src/npm-binaries.ts";

/**
 * The `node` program of one of the supported versions.
 * @param specifier such as "node@22.23.3".
 */
export async function nodeBinary(specifier: string): Promise<string> {
  // Our own is of that package too, and need not be installed again.
  if (specifier === `node@${process.versions.node}`) return process.execPath;
  return join(await npmPackage(specifier), "bin/node");
}
