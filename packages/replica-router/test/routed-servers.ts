/** A whole router over servers that are objects. */

import { createManualClock, type ManualClock } from "@headroom/core/testing";
import { onTestFinished } from "vitest";
import { type ReplicaPoolOptions, replicaPoolSettings } from "../src/pool/replica-pool-options.ts";
import { RoutedDatabase } from "../src/pool/routed-database.ts";
import type { RouteDecision } from "../src/routing/route-log.ts";
import { type FakeServer, fakePostgres } from "./fake-postgres.ts";

export interface RoutedServers {
  readonly clock: ManualClock;
  readonly database: RoutedDatabase;
  readonly routes: RouteDecision[];
  /** Real connections that were made. */
  readonly connected: readonly unknown[];
  server(host: string): FakeServer;
  /** Runs a statement; the name of the server that answered. */
  ask(text: string, route?: "primary" | "replica"): Promise<string>;
}

/** `a` is the primary, `b` and `c` follow it. @param primary what is different about `a`. */
export async function routedServers(
  options: Partial<ReplicaPoolOptions> = {},
  primary: Partial<FakeServer> = {},
): Promise<RoutedServers> {
  const clock = createManualClock();
  const { pg, server, config } = fakePostgres("a", "b", "c");
  Object.assign(server("a"), primary);
  const routes: RouteDecision[] = [];
  const connected: unknown[] = [];
  const settings = replicaPoolSettings({
    pg,
    clock,
    random: () => 0.5,
    primary: config("a"),
    replicas: [config("b"), config("c")],
    onRoute: (route) => routes.push(route),
    ...options,
  });
  const database = new RoutedDatabase(settings, {
    onConnect: (client) => connected.push(client),
    onLost: () => {},
  });
  onTestFinished(async () => {
    const ending = database.end();
    await clock.advance(20_000);
    await ending;
  });
  const ask = async (text: string, route?: "primary" | "replica"): Promise<string> => {
    const given = { query: text, values: undefined, callback: undefined, text } as const;
    const job = database.jobFor({ ...given, route, isSubmittable: false }, undefined);
    return String((await database.execute(job)).rows[0]?.["host"]);
  };
  await ask("SELECT 1");
  await clock.advance(1);
  routes.length = 0;
  return { clock, database, routes, connected, server, ask };
}
