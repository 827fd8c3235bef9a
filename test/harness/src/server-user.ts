import { execFileSync } from "node:child_process";

/**
 * Who local servers run as when we are root: PostgreSQL refuses root. `postgres` where the package
 * has made it, else `nobody`; `undefined` (ourselves) when we are not root.
 */
export function serverUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  cached ??= lookUp("postgres") ?? lookUp("nobody");
  if (!cached)
    throw new Error("Running as root, but there is no user postgres or nobody to run servers as");
  return cached;
}

let cached: { uid: number; gid: number } | undefined;

function lookUp(name: string): { uid: number; gid: number } | undefined {
  const id = (option: string): number =>
    Number(
      execFileSync("id", [option, name], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }),
    );
  try {
    return { uid: id("-u"), gid: id("-g") };
  } catch {
    return undefined;
  }
}
