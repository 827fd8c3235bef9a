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
  postgresDriver,
} from "./postgres/postgres-driver.ts";
export type { PostgresDriverOptions } from "./postgres/postgres-driver-options.ts";
export { migrations } from "./postgres/queue-migrations.ts";
