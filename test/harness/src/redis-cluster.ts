import { choosePlace } from "./choose-place.ts";
import { eventually } from "./eventually.ts";
import { freePort } from "./free-port.ts";
import type { RedisNode } from "./redis-node.ts";
import { createRedisNode } from "./redis-replica-set.ts";
import { announce, type RedisSettings } from "./redis-script.ts";

const SLOTS = 16_384;
const NODE_TIMEOUT_MS = 1000;

export interface RedisClusterOptions {
  /** @default 3, the fewest that can elect */
  readonly masters?: number;
  /** @default 1 */
  readonly replicasPerMaster?: number;
  readonly settings?: RedisSettings;
}

/** Starts a Redis Cluster; resolves when every node says it is whole and every replica is in sync. */
export async function startRedisCluster(
  options: RedisClusterOptions = {},
): Promise<RedisClusterSet> {
  const place = await choosePlace();
  const masters = options.masters ?? 3;
  const busPorts = new Map<RedisNode, number>();
  const count = masters * (1 + (options.replicasPerMaster ?? 1));
  const nodes = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const busPort = await freePort();
      const node = await createRedisNode(place, `redis${index + 1}`, ({ link }) => ({
        "cluster-enabled": "yes",
        "cluster-config-file": "nodes.conf",
        "cluster-node-timeout": String(NODE_TIMEOUT_MS),
        "cluster-port": String(busPort),
        "cluster-announce-bus-port": String(busPort),
        "cluster-allow-replica-migration": "no",
        ...announce("cluster", link.endpoint),
        ...options.settings,
      }));
      busPorts.set(node, busPort);
      return node;
    }),
  );
  const cluster = new RedisClusterSet(nodes);
  try {
    await Promise.all(nodes.map((node) => node.start()));
    await form(nodes, masters, busPorts);
    await cluster.reset();
  } catch (error) {
    await cluster.close();
    throw error;
  }
  return cluster;
}

/** Slots to masters, everybody introduced to the first node, then replicas to their masters. */
async function form(
  nodes: readonly RedisNode[],
  masters: number,
  busPorts: ReadonlyMap<RedisNode, number>,
): Promise<void> {
  const [first, ...others] = nodes;
  if (!first) return;
  for (const [index, master] of nodes.slice(0, masters).entries()) {
    await master.command("CLUSTER", "SET-CONFIG-EPOCH", index + 1);
    const [from, to] = [index, index + 1].map((share) => Math.floor((share * SLOTS) / masters));
    await master.command("CLUSTER", "ADDSLOTSRANGE", from ?? 0, (to ?? SLOTS) - 1);
  }
  for (const node of others) {
    await node.command(
      "CLUSTER",
      "MEET",
      first.direct.host,
      first.direct.port,
      busPorts.get(first) ?? 0,
    );
  }
  await eventually("all nodes of the cluster know each other", async () => {
    const views = await Promise.all(nodes.map((node) => clusterNodes(node)));
    return views.every(
      (view) => view.length === nodes.length && !view.some((line) => line.includes("handshake")),
    );
  });
  for (const [index, replica] of nodes.slice(masters).entries()) {
    const master = nodes[index % masters];
    if (master)
      await replica.command(
        "CLUSTER",
        "REPLICATE",
        String(await master.command("CLUSTER", "MYID")),
      );
  }
}

async function clusterNodes(node: RedisNode): Promise<string[]> {
  return String(await node.command("CLUSTER", "NODES"))
    .trim()
    .split("\n");
}

/**
 * A Redis Cluster that fails over by itself. Clients and replicas use the proxies' addresses (what
 * the nodes announce); the cluster bus is direct, so a stalled `link` is a node that its peers
 * believe well: to make them fail it over, pause or kill it.
 */
export class RedisClusterSet {
  readonly nodes: readonly RedisNode[];

  constructor(nodes: readonly RedisNode[]) {
    this.nodes = nodes;
  }

  /** The nodes that own slots now, by their own word. */
  async masters(): Promise<RedisNode[]> {
    const running = this.nodes.filter((node) => node.life === "running");
    const roles = await Promise.all(running.map((node) => node.role()));
    return running.filter((_, index) => roles[index] === "master");
  }

  /** The running node that serves `key` now. */
  async masterOf(key: string): Promise<RedisNode> {
    return eventually(`a running master serves ${key}`, async () => {
      for (const node of await this.masters()) {
        const slot = Number(await node.command("CLUSTER", "KEYSLOT", key));
        if ((await ownSlots(node)).some(([from, to]) => from <= slot && slot <= to)) return node;
      }
      return undefined;
    });
  }

  /** Undoes every fault, waits until the cluster is whole again, empties the data. */
  async reset(): Promise<void> {
    for (const node of this.nodes) {
      node.link.open();
      node.replication.open();
    }
    await Promise.all(this.nodes.map((node) => node.start()));
    await this.isWhole();
    await Promise.all((await this.masters()).map((master) => master.command("FLUSHALL")));
  }

  /** Resolves when every node says the cluster is ok and every replica has its copy. */
  async isWhole(): Promise<void> {
    await eventually(
      "the cluster is whole",
      async () => {
        const states = await Promise.all(
          this.nodes.map(async (node) => {
            const state = String(await node.command("CLUSTER", "INFO"));
            const lines = await clusterNodes(node);
            const failing = lines.some((line) => /\bfail\b|fail\?|handshake/.test(line));
            const inSync = (await node.role()) === "master" || (await node.isInSync());
            return state.includes("cluster_state:ok") && !failing && inSync;
          }),
        );
        return states.every(Boolean);
      },
      { withinMs: 60_000, everyMs: 50 },
    );
  }

  async close(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** The slot ranges that a node itself says are its own. */
async function ownSlots(node: RedisNode): Promise<[number, number][]> {
  const own = (await clusterNodes(node)).find((line) => line.includes("myself")) ?? "";
  return own
    .split(" ")
    .slice(8)
    .filter((word) => !word.startsWith("["))
    .map((word) => {
      const [from, to] = word.split("-").map(Number);
      return [from ?? 0, to ?? from ?? 0];
    });
}
