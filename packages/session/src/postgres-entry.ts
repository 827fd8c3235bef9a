export {
  type ConnectPgSimpleOptions,
  connectPgSimpleSessions,
} from "./postgres/connect-pg-simple-sessions.ts";
export type { PostgresPool, PostgresResult } from "./postgres/postgres-client.ts";
export {
  type PostgresStore,
  type PostgresStoreOptions,
  postgresStore,
} from "./postgres/postgres-store.ts";
