/** The versions of the queue's schema. One that was released never changes. */

import { quotedSchema } from "@headroom/core/postgres-client";
import { migrationScript, type PostgresMigration } from "@headroom/core/postgres-migrations";
import { claimFunctions } from "./claim-functions.ts";
import { enqueueFunctions } from "./enqueue-functions.ts";
import { powerFunctions } from "./power-functions.ts";
import { queueTables } from "./queue-tables.ts";
import { settleFunctions } from "./settle-functions.ts";

/** Where the tables and functions are unless told otherwise. */
export const DEFAULT_SCHEMA = "headroom_queue";

/** @throws TypeError when the schema is no plain name. */
export function queueMigrations(schema: string): readonly PostgresMigration[] {
  const quoted = quotedSchema(schema);
  const parts = [queueTables, enqueueFunctions, claimFunctions, settleFunctions, powerFunctions];
  return [{ version: 1, name: "queue", sql: parts.map((part) => part(quoted)).join("\n") }];
}

/**
 * The SQL that `postgresDriver` runs by itself, for who runs migrations in another way (and gives the
 * driver `migrate: false`). It may be run again, and by several at once.
 *
 * @throws TypeError when the schema is no plain name.
 */
export function migrations(schema: string = DEFAULT_SCHEMA): string {
  return migrationScript(schema, queueMigrations(schema));
}
