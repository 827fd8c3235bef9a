import { choosePlace } from "./choose-place.ts";
import type { Endpoint } from "./endpoint.ts";
import { eventually } from "./eventually.ts";
import { freePort } from "./free-port.ts";
import type { Place } from "./place.ts";
import { nodeProxies } from "./process-node.ts";
import { RedisNode } from "./redis-node.ts";
import { createRedisNode, type RedisOptions } from "./redis-replica-set.ts";
import { announce, sentinelProgram } from "./redis-script.ts";

/**
 * A Sentinel pings a server it has just turned to only after `min(this, 1000)` ms: at 1000 or less
 * it finds every new primary down at once, and fails over a second time.
 */
const DOWN_AFTER_MS = 1500;
const FAILOVER_TIMEOUT_MS = 3000;

export interface RedisSentinelOptions extends RedisOptions {
  /** @default 3 */
  readonly sentinels?: number;
}

/**
 * Starts a primary, its replicas (2) and Sentinels that watch them; resolves when the Sentinels know
 * each other and every replica, so that a failover can begin at once.
 */
export async function startRedisSentinel(
  options: RedisSentinelOptions = {},
): Promise<RedisSentinelSet> {
  const place = await choosePlace();
  const replicas = options.replicas ?? 2;
  const servers = await Promise.all(
    Array.from({ length: 1 + replicas }, (_, index) =>
      createRedisNode(place, `redis${index + 1}`, ({ link }) => ({
        ...announce("replica", link.endpoint),
        ...options.settings,
      })),
    ),
  );
  const count = options.sentinels ?? 3;
  const watched = servers[0]?.via ?? { host: "", port: 0 };
  const sentinels = await Promise.all(
    Array.from({ length: count }, (_, index) =>
      createSentinel(place, `sentinel${index + 1}`, watched, count),
    ),
  );
  const set = new RedisSentinelSet(servers, sentinels);
  try {
    await set.start();
  } catch (error) {
    await set.close();
    throw error;
  }
  return set;
}

async function createSentinel(
  place: Place,
  name: string,
  watched: Endpoint,
  count: number,
): Promise<RedisNode> {
  const port = await freePort();
  const proxies = await nodeProxies(port);
  const { host, port: announced } = proxies.link.endpoint;
  const program = sentinelProgram(name, port, [
    `sentinel announce-ip ${host}`,
    `sentinel announce-port ${announced}`,
    `sentinel monitor ${RedisSentinelSet.masterName} ${watched.host} ${watched.port} ${Math.floor(count / 2) + 1}`,
    `sentinel down-after-milliseconds ${RedisSentinelSet.masterName} ${DOWN_AFTER_MS}`,
    `sentinel failover-timeout ${RedisSentinelSet.masterName} ${FAILOVER_TIMEOUT_MS}`,
  ]);
  return new RedisNode({ name, port, process: place.create(program), ...proxies });
}

/**
 * A replica set whose primary is chosen by Sentinels. All of them know each other by their proxies'
 * addresses: a stalled `link` hides a server from clients, Sentinels and replicas alike.
 */
export class RedisSentinelSet {
  /** What clients ask the Sentinels for. */
  static readonly masterName = "headroom";
  readonly servers: readonly RedisNode[];
  readonly sentinels: readonly RedisNode[];

  constructor(servers: readonly RedisNode[], sentinels: readonly RedisNode[]) {
    this.servers = servers;
    this.sentinels = sentinels;
  }

  get nodes(): readonly RedisNode[] {
    return [...this.servers, ...this.sentinels];
  }

  async start(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.start()));
    const [primary, ...replicas] = this.servers;
    if (primary) await Promise.all(replicas.map((replica) => followVia(replica, primary)));
    await Promise.all(
      replicas.map((replica) => eventually(`${replica.name} is in sync`, () => replica.isInSync())),
    );
    await Promise.all(this.sentinels.map((sentinel) => sentinel.start()));
    await this.#settled();
  }

  /** The server that the Sentinels agree on; `undefined` while they do not. */
  async primary(): Promise<RedisNode | undefined> {
    const answers = await Promise.all(
      this.sentinels
        .filter((sentinel) => sentinel.life === "running")
        .map((sentinel) =>
          sentinel.command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", RedisSentinelSet.masterName),
        ),
    );
    const ports = new Set(answers.map((answer) => Number((answer as [string, string])[1])));
    const server = this.servers.find((node) => ports.has(node.via.port));
    if (ports.size !== 1 || !server || server.life !== "running") return undefined;
    return (await server.role()) === "master" ? server : undefined;
  }

  /** Undoes every fault, waits until the set is whole again, empties the data. */
  async reset(): Promise<void> {
    for (const node of this.nodes) {
      node.link.open();
      node.replication.open();
    }
    await Promise.all(this.nodes.map((node) => node.start()));
    const primary = await eventually("the Sentinels agree on a primary", () => this.primary());
    // Sentinels would demote a returned primary too, but look for it only every ten seconds.
    const strays = this.servers.filter((server) => server !== primary);
    await Promise.all(strays.map((server) => followVia(server, primary)));
    await this.#settled();
    await (await this.primary())?.command("FLUSHALL");
  }

  async close(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** One primary, everybody else in sync with it, every Sentinel aware of all the others. */
  async #settled(): Promise<void> {
    await eventually(
      "the Sentinels agree on a primary that all replicas follow",
      async () => {
        const primary = await this.primary();
        if (!primary) return false;
        const replicas = this.servers.filter((server) => server !== primary);
        const following = await Promise.all(replicas.map((replica) => replica.isInSync()));
        const aware = await Promise.all(this.sentinels.map((sentinel) => this.#isAware(sentinel)));
        return [...following, ...aware].every(Boolean);
      },
      { withinMs: 60_000, everyMs: 50 },
    );
  }

  async #isAware(sentinel: RedisNode): Promise<boolean> {
    const flat = (await sentinel.command(
      "SENTINEL",
      "MASTER",
      RedisSentinelSet.masterName,
    )) as string[];
    const field = (name: string): string | undefined => flat[flat.indexOf(name) + 1];
    return (
      Number(field("num-other-sentinels")) === this.sentinels.length - 1 &&
      Number(field("num-slaves")) === this.servers.length - 1 &&
      field("flags") === "master"
    );
  }
}

/** Follows by the primary's announced address, the one that the Sentinels will name too. */
async function followVia(replica: RedisNode, primary: RedisNode): Promise<void> {
  await replica.command("REPLICAOF", primary.via.host, primary.via.port);
}
