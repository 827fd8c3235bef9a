import { afterAll, afterEach, beforeAll } from "vitest";
import type { ServerNode } from "./server-node.ts";

/** What every topology of the harness offers to a test file. */
export interface Servers {
  readonly nodes: readonly Pick<ServerNode, "name" | "version">[];
  /** Undoes every fault and empties the data. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Servers for the tests of one file: started before its first test, reset after each, closed after
 * the last. The versions that answered are printed, so that no report claims another server's.
 *
 * ```ts
 * const postgres = useServers(() => startPostgres({ replicas: 2 }));
 * test("…", async () => { await postgres().primary.kill9(); … });
 * ```
 *
 * @returns a function that gives the servers, for use inside tests and hooks.
 */
export function useServers<Topology extends Servers>(
  start: () => Promise<Topology>,
): () => Topology {
  let servers: Topology | undefined;
  beforeAll(async () => {
    servers = await start();
    const versions = await Promise.all(servers.nodes.map((node) => node.version()));
    console.log(`headroom: ${[...new Set(versions)].join(", ")} (${servers.nodes.length} nodes)`);
  });
  afterEach(() => servers?.reset());
  afterAll(() => servers?.close());
  return () => {
    if (!servers)
      throw new Error("The servers start before the first test; use them inside a test or hook");
    return servers;
  };
}
