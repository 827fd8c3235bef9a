/** A replica pool over servers that are objects, on a clock that the test moves. */

import { createManualClock, type ManualClock } from "@headroom/core/testing";
import { createReplicaPool, type ReplicaPoolOptions } from "../src/index.ts";
import { type GatedServer, gatedPg } from "./gated-postgres.ts";

interface Client {
  query(text: string): Promise<{ readonly rows: readonly Readonly<Record<string, unknown>>[] }>;
}

interface Pool extends Client {
  connect(): Promise<Client & { release(): void }>;
}

export function gatedPool(
  servers: readonly GatedServer[],
  options: Partial<Omit<ReplicaPoolOptions, "pg">> = {},
) {
  const clock = unevenClock();
  const pool = createReplicaPool({
    pg: gatedPg(servers),
    primary: servers.map(({ name }) => ({ name, host: name })),
    clock,
    random: () => 1,
    ...options,
  });
  // Its type is that of the application's own pg, which is an object here.
  const db = pool as unknown as Pool & Pick<typeof pool, "run" | "stats" | "session">;
  const nodeOf = ({ name }: GatedServer) => db.stats().nodes.find((node) => node.name === name);
  const roleOf = (server: GatedServer): string | undefined => nodeOf(server)?.role;
  return { db, clock, roleOf };
}

/** No two readings of a real clock are equal; whether a look began after a read ended depends on it. */
function unevenClock(): ManualClock {
  const clock = createManualClock();
  let readings = 0;
  const monotonicNow = (): number => clock.monotonicNow() + ++readings * 1e-9;
  return Object.create(clock, { monotonicNow: { value: monotonicNow } });
}
