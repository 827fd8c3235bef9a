/**
 * A user writes, and then looks: does he see it?
 *
 * Nothing delays the replicas but their own work. A look that misses a row came from a replica: the
 * primary has them all. How many looks replicas served stands beside it, since a library that asks
 * the primary for everything is never stale.
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { Better, FiguresVariant } from "../../src/area.ts";
import { ROWS, startStage } from "./cluster.ts";
import type { Database, OpenDatabase, Read } from "./libraries.ts";

const PAIRS = 200;

type StaleFigure = "reads" | "by-replicas";

export const STALE_FIGURES: Readonly<Record<StaleFigure, { unit: string; better: Better }>> = {
  reads: { unit: `of ${PAIRS}`, better: "lower" },
  "by-replicas": { unit: "%", better: "higher" },
};

/** @param thinkMs between the request that writes and the one that looks; 0 for both in one request. */
export function stale(open: OpenDatabase, thinkMs: number): FiguresVariant<StaleFigure> {
  return async (resources) => {
    const { servers } = await startStage(resources);
    const database = await open(servers, resources);
    // Connected and compiled.
    for (let id = ROWS + 1; id <= ROWS + 20; id++) await writeAndLook(database, id, 0);
    let missed = 0;
    let byReplicas = 0;
    for (let id = ROWS + 1001; id <= ROWS + 1000 + PAIRS; id++) {
      const seen = await writeAndLook(database, id, thinkMs);
      if (!seen) missed++;
      if (!seen || seen.standby === "on") byReplicas++;
    }
    return { reads: missed, "by-replicas": (100 * byReplicas) / PAIRS };
  };
}

async function writeAndLook(
  database: Database,
  id: number,
  thinkMs: number,
): Promise<Read | undefined | null> {
  const session = database.openSession();
  if (thinkMs === 0) {
    return session.request(async () => {
      await database.insert(id);
      return database.read(id);
    });
  }
  await session.request(() => database.insert(id));
  await sleep(thinkMs);
  return session.request(() => database.read(id));
}
