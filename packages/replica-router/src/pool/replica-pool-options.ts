import { type Clock, systemClock } from "@headroom/core/clock";
import { type HealthOptions, type HealthPolicy, healthPolicy } from "@headroom/core/health";
import {
  requireClock,
  requireCount,
  requireFunction,
  requireKnownOptions,
  requireNonNegative,
  requireOneOf,
  requirePositive,
  requireRatio,
  requireText,
} from "@headroom/core/options";
import { type Random, systemRandom } from "@headroom/core/random";
import { type Discovery, requireDiscovery } from "../discovery.ts";
import type { ConnectionConfig, PgModule } from "../pg-module.ts";
import { latency } from "../policies/latency.ts";
import { leastInFlight } from "../policies/least-in-flight.ts";
import { weighted } from "../policies/weighted.ts";
import type { Policy } from "../policy.ts";
import type { RouteDecision } from "../routing/route-log.ts";
import type { RouterSettings } from "../routing/router-settings.ts";
import type { Engine } from "../topology/engine.ts";
import type { HostConfig } from "../topology/host.ts";
import { hostConfigs } from "./host-configs.ts";

/** A server: what `pg.Client` takes, as a text or an object, and what the router adds to it. */
export type ServerConfig =
  | string
  | (ConnectionConfig & ServerExtras)
  | (ConnectionFields & ServerExtras);

/** So that what is typed as `pg.ClientConfig` fits: an interface has no index. All fields are passed on. */
interface ConnectionFields {
  readonly connectionString?: unknown;
  readonly host?: unknown;
  readonly port?: unknown;
  readonly user?: unknown;
  readonly password?: unknown;
  readonly database?: unknown;
}

export interface ServerExtras {
  /** In events and errors. @default "host:port" */
  readonly name?: string;
  /** Its share of the reads, beside the others'; 0: none while others can answer. @default 1 */
  readonly weight?: number;
}

export interface MonitorSettings {
  /** How often a server is looked at when all is well, in milliseconds. @default 1000 */
  readonly intervalMs?: number;
  /** How long a look may take, in milliseconds; five times as long when it has to connect. @default 200 */
  readonly timeoutMs?: number;
  /** A server with statements under way that answers none for so long is looked at. @default 100 */
  readonly silenceMs?: number;
  /** How long a server that hangs keeps writes and transactions, in milliseconds. @default 5000 */
  readonly hungMs?: number;
}

export interface ReplicaPoolOptions {
  /** The application's own `pg`: `import pg from "pg"`. What you get is an instance of its `Pool`. */
  readonly pg: { readonly Pool: unknown; readonly Client: unknown };
  /** The primary; or all servers that may become one. Who is what is found out. */
  readonly primary: ServerConfig | readonly ServerConfig[];
  /** @default none */
  readonly replicas?: readonly ServerConfig[] | undefined;
  /**
   * What the servers are. `aurora` is for Amazon Aurora, whose replicas have no position in a log: roles
   * and lag are what `aurora_replica_status()` says. What a session has written is then seen by keeping
   * its reads on the primary for `tokenMaxAgeMs`, which should be more than the replicas are ever behind;
   * reads on several servers are not monotonic, and neither `wait` nor `maxLag.bytes` can be had. Made from Amazon's documentation and tested against functions of the same
   * names: it was not run on Aurora itself.
   * @default "postgresql"
   */
  readonly engine?: Engine | undefined;
  /** Finds further servers, and those that have gone. @default none: the list is the list */
  readonly discovery?: Discovery | undefined;
  /** In events and errors. @default "db" */
  readonly name?: string | undefined;
  /** Most connections to each server; the monitor has one more. @default 10 */
  readonly max?: number | undefined;
  /**
   * - `session`: a read sees what its session has written and read before.
   * - `eventual`: any replica within `maxLag`.
   * - `strong`: a read sees all that was committed before it began; on the primary, unless `wait` is given.
   * @default "session"
   */
  readonly consistency?: "session" | "eventual" | "strong" | undefined;
  /** A replica that is further behind gets no reads. @default no limit */
  readonly maxLag?: { readonly ms?: number; readonly bytes?: number } | undefined;
  /** How long a read waits for a replica to catch up before it goes to the primary. @default { ms: 0 } */
  readonly wait?: { readonly ms: number } | undefined;
  /** Which of several replicas. @default "least-in-flight" */
  readonly policy?: "least-in-flight" | "weighted" | "latency" | undefined;
  /** How long a statement waits for a server that may take it, in milliseconds. @default 10_000 */
  readonly failoverMs?: number | undefined;
  /** The share of the primary's connections that may serve reads because no replica can. @default 1 */
  readonly primaryReads?: number | undefined;
  /** How long a session is held to the primary when its position could not be found out. @default 60_000 */
  readonly tokenMaxAgeMs?: number | undefined;
  readonly monitor?: MonitorSettings | undefined;
  /** When a replica is taken out of rotation, and how it comes back. */
  readonly health?: HealthOptions | undefined;
  /** Called with each decision; it should be short. */
  readonly onRoute?: ((decision: RouteDecision) => void) | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
}

/** {@link ReplicaPoolOptions}, checked and complete. */
export interface ReplicaPoolSettings extends RouterSettings {
  readonly pg: PgModule;
  readonly hosts: readonly HostConfig[];
  readonly discovery: Discovery | undefined;
  readonly max: number;
  readonly policy: Policy;
  readonly monitor: Required<MonitorSettings>;
  readonly health: HealthPolicy;
  readonly onRoute: ((decision: RouteDecision) => void) | undefined;
  readonly clock: Clock;
  readonly random: Random;
}

const POLICIES = { "least-in-flight": leastInFlight, weighted, latency };

/** @throws TypeError or RangeError naming the option that is wrong. */
export function replicaPoolSettings(options: ReplicaPoolOptions): ReplicaPoolSettings {
  requireKnownOptions("createReplicaPool", options, KNOWN);
  const { primary, replicas = [], maxLag = {}, monitor = {}, wait = { ms: 0 } } = options;
  requireKnownOptions("maxLag", maxLag, ["ms", "bytes"]);
  requireKnownOptions("wait", wait, ["ms"]);
  requireKnownOptions("monitor", monitor, ["intervalMs", "timeoutMs", "silenceMs", "hungMs"]);
  const max = requireCount("max", options.max ?? 10);
  const random = requireFunction("random", options.random ?? systemRandom);
  const policy = requireOneOf("policy", options.policy ?? "least-in-flight", [
    "least-in-flight",
    "weighted",
    "latency",
  ]);
  const engine = requireOneOf("engine", options.engine ?? "postgresql", ["postgresql", "aurora"]);
  if (engine === "aurora") refusePositions({ "wait.ms": wait.ms, "maxLag.bytes": maxLag.bytes });
  const share = requireRatio("primaryReads", options.primaryReads ?? 1);
  return {
    pg: requirePg(options.pg),
    hosts: hostConfigs(primary, replicas),
    engine,
    discovery: options.discovery && requireDiscovery(options.discovery),
    name: requireText("name", options.name ?? "db"),
    max,
    consistency: requireOneOf("consistency", options.consistency ?? "session", [
      "session",
      "eventual",
      "strong",
    ]),
    maxLag: {
      ms:
        maxLag.ms === undefined
          ? Number.POSITIVE_INFINITY
          : requirePositive("maxLag.ms", maxLag.ms),
      bytes:
        maxLag.bytes === undefined
          ? Number.POSITIVE_INFINITY
          : requirePositive("maxLag.bytes", maxLag.bytes),
    },
    waitMs: requireNonNegative("wait.ms", wait.ms),
    policy: POLICIES[policy](),
    failoverMs: requirePositive("failoverMs", options.failoverMs ?? 10_000),
    mostStandIns: share === 1 ? Number.POSITIVE_INFINITY : Math.floor(share * max),
    tokenMaxAgeMs: requirePositive("tokenMaxAgeMs", options.tokenMaxAgeMs ?? 60_000),
    monitor: {
      intervalMs: requirePositive("monitor.intervalMs", monitor.intervalMs ?? 1000),
      timeoutMs: requirePositive("monitor.timeoutMs", monitor.timeoutMs ?? 200),
      silenceMs: requirePositive("monitor.silenceMs", monitor.silenceMs ?? 100),
      hungMs: requirePositive("monitor.hungMs", monitor.hungMs ?? 5000),
    },
    health: healthPolicy({ consecutiveFailures: 3, ejectionMs: 1000, random, ...options.health }),
    onRoute: options.onRoute && requireFunction("onRoute", options.onRoute),
    clock: requireClock("clock", options.clock ?? systemClock),
    random,
  };
}

/** What goes by positions, on servers that have none. @throws TypeError */
function refusePositions(options: Readonly<Record<string, number | undefined>>): void {
  for (const [name, value] of Object.entries(options)) {
    if (!value) continue;
    throw new TypeError(
      `${name} cannot be used with engine "aurora": its replicas have no position`,
    );
  }
}

function requirePg(pg: ReplicaPoolOptions["pg"]): PgModule {
  if (typeof pg?.Pool === "function" && typeof pg.Client === "function") {
    return pg as unknown as PgModule;
  }
  throw new TypeError(
    'pg must be the module itself: import pg from "pg"; createReplicaPool({ pg, … })',
  );
}

const KNOWN: readonly (keyof ReplicaPoolOptions)[] = [
  "pg",
  "primary",
  "replicas",
  "engine",
  "discovery",
  "name",
  "max",
  "consistency",
  "maxLag",
  "wait",
  "policy",
  "failoverMs",
  "primaryReads",
  "tokenMaxAgeMs",
  "monitor",
  "health",
  "onRoute",
  "clock",
  "random",
];
