export type { WatchedTable } from "./postgres/change-trigger.ts";
export type { PostgresConnection, PostgresQueryable } from "./postgres/postgres-client.ts";
export {
  type PostgresInvalidator,
  type PostgresInvalidatorOptions,
  postgresInvalidator,
  type TableInvalidation,
} from "./postgres/postgres-invalidator.ts";
