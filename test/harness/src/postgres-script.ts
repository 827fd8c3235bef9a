import type { Endpoint } from "./endpoint.ts";
import type { Program } from "./place.ts";
import { quote } from "./shell.ts";

/**
 * Settings for servers that live for seconds. Without fsync nothing here survives the loss of the
 * machine, and nothing here can test that: a killed process does not lose what the kernel holds.
 * wal_retrieve_retry_interval is what makes a promotion take 0.1 s and not 5 s.
 */
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  fsync: "off",
  wal_level: "logical",
  max_wal_senders: "12",
  max_replication_slots: "12",
  wal_keep_size: "256MB",
  wal_retrieve_retry_interval: "100ms",
  hot_standby: "on",
  max_connections: "200",
  shared_buffers: "32MB",
};

export interface PostgresOptions {
  readonly name: string;
  readonly port: number;
  readonly settings: Readonly<Record<string, string>>;
}

/** A primary with a cluster of its own. */
export function primaryProgram(options: PostgresOptions): Program {
  const initdb =
    "initdb -D data -U postgres --auth=trust --encoding=UTF8 --locale=C --no-sync --no-instructions";
  return program(options, `[ -s data/PG_VERSION ] || ${initdb}`);
}

/** A hot standby that clones the server behind `upstream` on its first start, then follows it. */
export function replicaProgram(options: PostgresOptions, upstream: Endpoint): Program {
  const clone = `pg_basebackup -d '${followInfo(options.name, upstream)}' -D data -R -X stream -c fast --no-sync`;
  return program(options, `[ -s data/PG_VERSION ] || ${clone}`);
}

/** The connection string by which a replica follows: its name, its way. */
function followInfo(name: string, { host, port }: Endpoint): string {
  return `host=${host} port=${port} user=postgres application_name=${name}`;
}

function program({ name, port, settings }: PostgresOptions, prepare: string): Program {
  const arguments_ = Object.entries({ ...SETTINGS, ...settings, port: String(port) })
    .map(([setting, value]) => `-c ${quote(`${setting}=${value}`)}`)
    .join(" ");
  return {
    name,
    engine: "postgres",
    script: `${prepare}\nexec postgres -D data ${arguments_}`,
    stopSignal: "SIGINT",
    quitSignal: "SIGQUIT",
  };
}
