export type { PostgresPool } from "@headroom/core/postgres-client";
export type { PostgresConnection, PostgresListen } from "./postgres/listening-connection.ts";
export {
  type OutboxRelay,
  type OutboxRelayOptions,
  outboxRelay,
  type RelaySource,
} from "./postgres/outbox-relay.ts";
export {
  type PostgresCapabilities,
  type PostgresDriver,
  type PostgresDriverOptions,
  postgresDriver,
} from "./postgres/postgres-driver.ts";
export { migrations } from "./postgres/queue-migrations.ts";
