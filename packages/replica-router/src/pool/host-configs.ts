/** The servers that the application names, in one form. */

import { requireNonNegative, requireText } from "@headroom/core/options";
import type { ConnectionConfig } from "../pg-module.ts";
import type { HostConfig } from "../topology/host.ts";
import type { ServerConfig } from "./replica-pool-options.ts";

const DEFAULT_PORT = 5432;

/** @throws TypeError for what is no server, or two servers of one name. */
export function hostConfigs(
  primary: ServerConfig | readonly ServerConfig[],
  replicas: readonly ServerConfig[],
): readonly HostConfig[] {
  if (!Array.isArray(replicas)) throw new TypeError("replicas must be a list of servers");
  const servers: readonly ServerConfig[] = Array.isArray(primary)
    ? primary
    : [primary as ServerConfig];
  if (servers.length === 0) throw new TypeError("primary must name at least one server");
  const hosts = [
    ...servers.map((server, index) =>
      hostConfig(Array.isArray(primary) ? `primary[${index}]` : "primary", server),
    ),
    ...replicas.map((server, index) => hostConfig(`replicas[${index}]`, server)),
  ];
  const names = new Set<string>();
  for (const { name } of hosts) {
    if (names.has(name)) throw new TypeError(`two servers are called "${name}": give each a name`);
    names.add(name);
  }
  return hosts;
}

/** @param option its name in the application's options. */
export function hostConfig(option: string, server: ServerConfig): HostConfig {
  if (typeof server === "string") {
    return { name: addressOf(option, server), weight: 1, connection: { connectionString: server } };
  }
  if (typeof server !== "object" || server === null || Array.isArray(server)) {
    throw new TypeError(`${option} must be a connection string or what pg.Client takes`);
  }
  const { name, weight = 1, ...connection } = server;
  return {
    name: name === undefined ? nameOf(option, connection) : requireText(`${option}.name`, name),
    weight: requireNonNegative(`${option}.weight`, weight),
    connection,
  };
}

function nameOf(option: string, connection: ConnectionConfig): string {
  const { connectionString, host, port } = connection;
  if (typeof connectionString === "string") return addressOf(option, connectionString);
  return `${String(host ?? "localhost")}:${String(port ?? DEFAULT_PORT)}`;
}

/** Of what pg takes for a connection string; another text is probably a password or a name. */
const SCHEMES = new Set(["postgres:", "postgresql:", "socket:"]);

/** Host and port of a connection string, which holds a password as well. */
function addressOf(option: string, connectionString: string): string {
  const url = URL.canParse(connectionString) ? new URL(connectionString) : undefined;
  if (url === undefined || !SCHEMES.has(url.protocol)) {
    throw new TypeError(
      `${option} must be a URL such as postgres://user:password@host:5432/database`,
    );
  }
  return `${url.hostname || "localhost"}:${url.port || DEFAULT_PORT}`;
}
