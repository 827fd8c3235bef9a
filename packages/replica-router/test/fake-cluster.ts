/** A router over servers that are objects, on a clock that the test moves. */

import { healthPolicy } from "@headroom/core/health";
import { createManualClock, type ManualClock } from "@headroom/core/testing";
import { onTestFinished } from "vitest";
import { leastInFlight } from "../src/policies/least-in-flight.ts";
import { Job } from "../src/routing/job.ts";
import { ReadChoice } from "../src/routing/read-choice.ts";
import { type RouteDecision, RouteLog } from "../src/routing/route-log.ts";
import { Router } from "../src/routing/router.ts";
import type { RouterSettings } from "../src/routing/router-settings.ts";
import { SessionPositions } from "../src/routing/session-positions.ts";
import { SessionScope } from "../src/session/session-scope.ts";
import { createSqlClassifier } from "../src/sql/sql-classifier.ts";
import type { RouteHint } from "../src/sql/statement.ts";
import type { Host, HostConfig } from "../src/topology/host.ts";
import { HostList } from "../src/topology/host-list.ts";
import { Monitor } from "../src/topology/monitor.ts";
import { Topology } from "../src/topology/topology.ts";
import { FakeServer, fakePg } from "./fake-postgres.ts";

export interface ClusterOptions {
  readonly settings?: Partial<RouterSettings>;
  readonly max?: number;
  readonly intervalMs?: number;
  readonly hungMs?: number;
}

export const configOf = ({ name }: FakeServer): HostConfig => ({
  name,
  weight: 1,
  connection: { host: name },
});

/** One primary, `p`, and two replicas, `a` and `b`. */
export function threeServers(): [FakeServer, FakeServer, FakeServer] {
  const replica = { isStandby: true };
  return [new FakeServer("p"), new FakeServer("a", replica), new FakeServer("b", replica)];
}

export function fakeCluster(servers: readonly FakeServer[], options: ClusterOptions = {}) {
  const { max = 10, intervalMs = 1000, hungMs = 5000 } = options;
  const clock = unevenClock();
  const settings: RouterSettings = {
    name: "db",
    consistency: "session",
    maxLag: { ms: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY },
    waitMs: 0,
    failoverMs: 10_000,
    tokenMaxAgeMs: 60_000,
    mostStandIns: Number.POSITIVE_INFINITY,
    ...options.settings,
  };
  const topology = new Topology({ name: "db", clock, hungMs });
  const monitor = new Monitor({ topology, clock, random: () => 1, intervalMs, silenceMs: 100 });
  const policy = healthPolicy({ consecutiveFailures: 3, ejectionMs: 1000, slowStartMs: 0 });
  const hosts = new HostList({
    pg: fakePg(servers),
    topology,
    monitor,
    clock,
    health: policy,
    max,
    timeoutMs: 200,
    onConnect: () => {},
    onLost: (host) => void monitor.look(host),
    onParameter: () => {},
  });
  hosts.use(servers.map(configOf));
  const positions = new SessionPositions({ topology, monitor, clock });
  const routes: RouteDecision[] = [];
  const log = new RouteLog({
    name: "db",
    clock,
    lag: topology.lag,
    onRoute: (route) => routes.push(route),
  });
  const parts = { settings, topology, monitor, clock };
  const choice = new ReadChoice({ ...parts, positions, policy: leastInFlight() });
  const misrouted: string[] = [];
  const router = new Router({
    ...parts,
    choice,
    log,
    ready: () => undefined,
    onMisrouted: (text) => misrouted.push(text),
  });
  const classifier = createSqlClassifier();
  const jobFor = (text: string, scope = new SessionScope(undefined, true), route?: RouteHint) => {
    const classify = (sql: string) => classifier.classify(sql);
    return new Job({ query: text, values: undefined, text, route, scope, classify });
  };
  const hostOf = ({ name }: FakeServer): Host => {
    const host = topology.hosts.find((each) => each.name === name);
    if (host === undefined) throw new Error(`there is no host ${name}`);
    return host;
  };
  onTestFinished(() => monitor.close());
  return {
    clock,
    topology,
    monitor,
    hosts,
    positions,
    choice,
    router,
    routes,
    log,
    misrouted,
    jobFor,
    hostOf,
    roles: () => servers.map((server) => hostOf(server).role),
    /** One statement, in a session of its own unless given. */
    run: (text: string, scope?: SessionScope, route?: RouteHint) =>
      router.execute(jobFor(text, scope, route)),
  };
}

/** No two readings of a real clock are equal; whether a look began after a read ended depends on it. */
function unevenClock(): ManualClock {
  const clock = createManualClock();
  let readings = 0;
  const monotonicNow = (): number => clock.monotonicNow() + ++readings * 1e-9;
  return Object.create(clock, { monotonicNow: { value: monotonicNow } });
}

/** The looks with which it all begins are over. */
export async function knownCluster(servers: readonly FakeServer[], options?: ClusterOptions) {
  const cluster = fakeCluster(servers, options);
  await cluster.clock.advance(0);
  return cluster;
}
