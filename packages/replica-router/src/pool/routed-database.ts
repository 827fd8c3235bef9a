/** Everything behind a replica pool, put together. */

import type { DatabaseRole } from "@headroom/core/channels";
import type { Health } from "@headroom/core/health";
import { discoverRegularly } from "../discovering.ts";
import { ReplicaError } from "../errors.ts";
import { KeepAlive } from "../keep-alive.ts";
import type { PgClient, PgResult } from "../pg-module.ts";
import { Job } from "../routing/job.ts";
import { ReadChoice } from "../routing/read-choice.ts";
import { RouteLog } from "../routing/route-log.ts";
import { Router } from "../routing/router.ts";
import { Seats } from "../routing/seats.ts";
import { SessionPositions } from "../routing/session-positions.ts";
import type { SessionScope } from "../session/session-scope.ts";
import { Sessions } from "../session/sessions.ts";
import type { Token } from "../session/token.ts";
import { CatalogLoader } from "../sql/catalog-loader.ts";
import { createSqlClassifier, type SqlClassifier } from "../sql/sql-classifier.ts";
import type { RouteHint } from "../sql/statement.ts";
import type { Host } from "../topology/host.ts";
import { HostList } from "../topology/host-list.ts";
import { Monitor } from "../topology/monitor.ts";
import { replicaLag } from "../topology/replica-lag.ts";
import { Topology } from "../topology/topology.ts";
import { type QueryArguments, queryArguments } from "./query-arguments.ts";
import { ReplicaClient } from "./replica-client.ts";
import type { ReplicaPoolSettings } from "./replica-pool-options.ts";

/** What the pool's listeners are told of the connections behind it. */
export interface DatabaseEvents {
  readonly onConnect: (client: PgClient) => void;
  readonly onLost: (error: Error) => void;
}

/** A server, at the moment. */
export interface NodeStats {
  readonly name: string;
  readonly role: DatabaseRole;
  readonly health: Health["status"];
  readonly timeline: number | undefined;
  /** Behind the primary; undefined for the primary, and while it is not known. */
  readonly lagMs: number | undefined;
  readonly lagBytes: number | undefined;
  /** Statements and transactions under way. */
  readonly inFlight: number;
  readonly connections: { readonly total: number; readonly idle: number; readonly waiting: number };
}

export interface ReplicaPoolStats {
  readonly nodes: readonly NodeStats[];
  /** How many statements went which way, by `"kind/role/reason"`: `{ "read/replica/read": 10 }`. */
  readonly routes: Readonly<Record<string, number>>;
  /** Statements that were sent again, to another server or to the next primary. */
  readonly retries: number;
  /** Statements that looked like reads and were refused by a replica. */
  readonly misrouted: number;
  /** Transactions that were open when their client was released; they were rolled back. */
  readonly leakedTransactions: number;
}

export class RoutedDatabase {
  readonly sessions: Sessions = new Sessions();
  readonly #positions: SessionPositions;
  readonly #keepAlive = new KeepAlive();
  readonly #settings: ReplicaPoolSettings;
  readonly #topology: Topology;
  readonly #monitor: Monitor;
  readonly #hosts: HostList;
  readonly #catalog: CatalogLoader;
  readonly #classifier: SqlClassifier;
  readonly #seats: Seats;
  readonly #router: Router;
  readonly #log: RouteLog;
  readonly #stopDiscovery: () => void;
  /** Clients that were given back: some libraries remember what they did to each object. */
  readonly #spareClients: ReplicaClient[] = [];
  #ended: Promise<void> | undefined;

  constructor(settings: ReplicaPoolSettings, events: DatabaseEvents) {
    const { name, clock, random, monitor, policy, onRoute, pg, engine, health, max } = settings;
    this.#settings = settings;
    const topology = new Topology({ name, clock, hungMs: monitor.hungMs });
    this.#topology = topology;
    this.#monitor = new Monitor({ topology, clock, random, ...monitor });
    this.#classifier = createSqlClassifier();
    this.#positions = new SessionPositions({ topology, monitor: this.#monitor, clock });
    this.#log = new RouteLog({ name, clock, lag: topology.lag, onRoute });
    this.#hosts = new HostList({
      pg,
      engine,
      topology,
      monitor: this.#monitor,
      clock,
      health,
      max,
      timeoutMs: monitor.timeoutMs,
      onConnect: (_, client) => events.onConnect(client),
      onLost: (host, error) => {
        void this.#monitor.look(host);
        events.onLost(error);
      },
      onParameter: (host, parameter, value) => this.#noteParameter(host, parameter, value),
    });
    this.#hosts.use(settings.hosts);
    this.#catalog = new CatalogLoader({
      topology,
      classifier: this.#classifier,
      clock,
      patienceMs: settings.failoverMs,
    });
    const keepAlive = this.#keepAlive;
    const parts = { settings, topology, monitor: this.#monitor, clock, keepAlive };
    const choice = new ReadChoice({ ...parts, positions: this.#positions, policy });
    this.#seats = new Seats({ ...parts, choice, log: this.#log });
    this.#router = new Router({
      ...parts,
      choice,
      seats: this.#seats,
      ready: this.#catalog.ready,
      onMisrouted: (text) => {
        this.#classifier.learnWrite(text);
        this.#catalog.refreshSoon();
      },
    });
    this.#stopDiscovery = discoverRegularly(settings, {
      use: (hosts) => this.#hosts.use(hosts),
      query: async (text) => (await this.query(text)).rows,
      primary: () => topology.primary?.config,
    });
  }

  /** One statement of its own. */
  execute(job: Job): Promise<PgResult> {
    if (this.#ended !== undefined) return Promise.reject(closed(this.#settings.name));
    return this.#router.execute(job);
  }

  /** @param route what the view that was asked says. */
  jobFor(given: QueryArguments, route: RouteHint | undefined): Job {
    return new Job({
      query: given.query,
      values: given.values,
      text: given.text,
      route: given.route ?? route,
      scope: this.sessions.present,
      classify: this.#classify,
    });
  }

  /** @throws ReplicaError `REPLICA_CLOSED` after `end()`. */
  client(route: RouteHint | undefined): ReplicaClient {
    if (this.#ended !== undefined) throw closed(this.#settings.name);
    if (route !== undefined) return this.#newClient(route, () => {}).open();
    const spare = this.#spareClients.pop();
    const client = spare ?? this.#newClient(undefined, (used) => this.#spareClients.push(used));
    return client.open();
  }

  get stats(): ReplicaPoolStats {
    return {
      nodes: this.#topology.hosts.map((host) => this.#nodeStats(host)),
      routes: this.#log.counts,
      ...this.#router.counts,
    };
  }

  /** All that a session has written and seen. */
  token(scope: SessionScope): Promise<Token | undefined> {
    return this.#keepAlive.during(this.#positions.token(scope));
  }

  /** Of all servers together. */
  count(what: "totalCount" | "idleCount" | "waitingCount" | "expiredCount"): number {
    const countAt = ({ connections }: Host): number =>
      what === "idleCount" ? connections.idleCount : (connections.pool[what] ?? 0);
    return this.#topology.hosts.reduce((sum, host) => sum + countAt(host), 0);
  }

  /** What is under way has `failoverMs` to come to its end. */
  end(): Promise<void> {
    this.#ended ??= this.#end();
    return this.#ended;
  }

  async #end(): Promise<void> {
    const { clock, failoverMs } = this.#settings;
    this.#stopDiscovery();
    this.#catalog.close();
    this.#seats.close();
    this.#monitor.close();
    await this.#hosts.close(clock.sleep(failoverMs));
  }

  /** On the primary, for what the router itself wants to know: as a session that is nobody's. */
  async query(text: string): Promise<PgResult> {
    const given = queryArguments(text, undefined, undefined);
    const job = this.sessions.run(undefined, () => this.jobFor(given, "primary"));
    return this.execute(job);
  }

  readonly #classify = (text: string) => this.#classifier.classify(text);

  #newClient(
    route: RouteHint | undefined,
    onRelease: (client: ReplicaClient) => void,
  ): ReplicaClient {
    return new ReplicaClient({
      router: this.#router,
      seats: this.#seats,
      jobFor: (given) => this.jobFor(given, route),
      onRelease,
    });
  }

  /** What a server says of itself, at each connection and whenever it changes. */
  #noteParameter(host: Host, parameter: string, value: string): void {
    if (parameter === "standard_conforming_strings") {
      this.#classifier.useBackslashInStrings(value === "off");
    }
    if (parameter !== "in_hot_standby") return;
    if (host.role === "replica" && value === "off") this.#monitor.search();
    if (host.role === "primary" && value === "on") this.#seats.demote(host);
  }

  #nodeStats(host: Host): NodeStats {
    const { lag } = this.#topology;
    const { name, role, health, inFlight, observation, connections } = host;
    const seen = role === "replica" ? observation : undefined;
    const behind = replicaLag(seen, lag, this.#settings.clock.monotonicNow());
    const { totalCount: total, waitingCount: waiting } = connections.pool;
    const { idleCount: idle } = connections;
    return {
      name,
      role,
      health: health.status,
      timeline: observation?.timeline,
      lagMs: behind.ms,
      lagBytes: behind.bytes,
      inFlight,
      connections: { total, idle, waiting },
    };
  }
}

function closed(name: string): ReplicaError {
  return new ReplicaError("REPLICA_CLOSED", `"${name}" was ended`);
}
