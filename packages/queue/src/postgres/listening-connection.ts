/** Where the connection comes from on which the driver listens. */

import { requireMethods } from "@headroom/core/options";
import type { PostgresPool } from "@headroom/core/postgres-client";
import type { ListeningClient, OpenConnection } from "./listener.ts";

/** A connection of its own, not yet made: `new pg.Client(…)`. */
export interface PostgresConnection extends ListeningClient {
  connect(): Promise<unknown>;
  end(): Promise<void>;
}

export type PostgresListen = false | (() => PostgresConnection);

/**
 * Undefined: nothing listens.
 * @throws TypeError when `listen` is neither false nor a function.
 */
export function listeningOn(
  pool: PostgresPool,
  listen: PostgresListen | undefined,
): (() => Promise<OpenConnection>) | undefined {
  if (listen === false) return undefined;
  if (listen === undefined) return isSingle(pool) ? undefined : () => lentBy(pool);
  if (typeof listen !== "function") {
    throw new TypeError("listen must be a function that makes a connection, or false");
  }
  return () => opened(listen());
}

async function opened(connection: PostgresConnection): Promise<OpenConnection> {
  requireMethods<PostgresConnection>("listen()", connection, ["connect", "query", "on", "end"]);
  const close = (): void => void connection.end().catch(() => {});
  // Heard also while it connects, and after it was given up: an error without a listener ends the process.
  connection.on("error", () => {});
  try {
    await connection.connect();
  } catch (error) {
    close();
    throw error;
  }
  return { client: connection, close };
}

/** It is never given back, but closed: others would get a connection that listens. */
async function lentBy(pool: PostgresPool): Promise<OpenConnection> {
  const client = await pool.connect();
  client.on("error", () => {});
  let isLent = true;
  const close = (): void => {
    if (isLent) client.release(true);
    isLent = false;
  };
  return { client: client as typeof client & ListeningClient, close };
}

/** A pool of one connection has none to spare. */
function isSingle(pool: PostgresPool): boolean {
  const options: unknown = "options" in pool ? pool.options : undefined;
  return typeof options === "object" && options !== null && "max" in options && options.max === 1;
}
