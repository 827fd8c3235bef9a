import { healthPolicy } from "@headroom/core/health";
import { createManualClock } from "@headroom/core/testing";
import { expect, test } from "vitest";
import { fakePostgres } from "../../test/fake-postgres.ts";
import type { PgModule } from "../pg-module.ts";
import { HostList } from "./host-list.ts";
import { Monitor } from "./monitor.ts";
import { Topology } from "./topology.ts";

test("a server that stays keeps its past; one that leaves gets nothing more", async () => {
  const clock = createManualClock();
  const { pg, config } = fakePostgres("a", "b", "c");
  const topology = new Topology({ name: "db", clock, hungMs: 1000 });
  const monitor = new Monitor({
    topology,
    clock,
    random: () => 0.5,
    intervalMs: 1000,
    silenceMs: 100,
  });
  const list = new HostList({
    pg: pg as unknown as PgModule,
    engine: "postgresql",
    topology,
    monitor,
    clock,
    health: healthPolicy(),
    max: 1,
    timeoutMs: 100,
    onConnect: () => {},
    onLost: () => {},
    onParameter: () => {},
  });
  const named = (host: string) => ({ name: host, weight: 1, connection: config(host) });
  list.use([named("a"), named("b")]);
  await clock.advance(10);
  const [a, b] = topology.hosts;
  list.use([named("a"), named("c")]);
  await clock.advance(10);
  expect(topology.hosts.map(({ name, role }) => [name, role])).toEqual([
    ["a", "primary"],
    ["c", "replica"],
  ]);
  expect(topology.hosts[0]).toBe(a);
  await expect(b?.connections.acquire("read")).rejects.toThrow(/not used any more/);
  monitor.close();
  await list.close(Promise.resolve());
});
