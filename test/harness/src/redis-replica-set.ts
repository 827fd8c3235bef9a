import { choosePlace } from "./choose-place.ts";
import { eventually } from "./eventually.ts";
import { freePort } from "./free-port.ts";
import type { Place } from "./place.ts";
import { nodeProxies } from "./process-node.ts";
import { RedisNode } from "./redis-node.ts";
import { type RedisSettings, redisProgram } from "./redis-script.ts";

export interface RedisOptions {
  /** Replicas to start with. @default 0, a single server */
  readonly replicas?: number;
  /** Server settings on top of the harness's own, such as `{ appendonly: "yes" }`. */
  readonly settings?: RedisSettings;
}

/** Starts a Redis server and its replicas; resolves when every replica has a full copy. */
export async function startRedis(options: RedisOptions = {}): Promise<RedisReplicaSet> {
  const place = await choosePlace();
  const nodes = await Promise.all(
    Array.from({ length: 1 + (options.replicas ?? 0) }, (_, index) =>
      createRedisNode(place, `redis${index + 1}`, () => options.settings ?? {}),
    ),
  );
  const set = new RedisReplicaSet(nodes);
  try {
    await Promise.all(nodes.map((node) => node.start()));
    await set.reset();
  } catch (error) {
    await set.close();
    throw error;
  }
  return set;
}

/** A server that is not started yet; `settings` may depend on its proxies' addresses. */
export async function createRedisNode(
  place: Place,
  name: string,
  settings: (proxies: Awaited<ReturnType<typeof nodeProxies>>) => RedisSettings,
): Promise<RedisNode> {
  const port = await freePort();
  const proxies = await nodeProxies(port);
  const process = place.create(redisProgram(name, port, settings(proxies)));
  return new RedisNode({ name, port, process, ...proxies });
}

/**
 * A primary and replicas that follow it asynchronously, each through a proxy of its own. Nobody
 * promotes by himself here (that is Sentinel's part): `promote` does.
 */
export class RedisReplicaSet {
  readonly #nodes: RedisNode[];
  #primary: RedisNode;

  constructor(nodes: readonly RedisNode[]) {
    const [primary] = nodes;
    if (!primary) throw new Error("A replica set has at least one node");
    this.#nodes = [...nodes];
    this.#primary = primary;
  }

  get primary(): RedisNode {
    return this.#primary;
  }

  get replicas(): readonly RedisNode[] {
    return this.#nodes.filter((node) => node !== this.#primary);
  }

  get nodes(): readonly RedisNode[] {
    return this.#nodes;
  }

  /** Makes a replica the primary and leads the others to it; the old primary is left alone. */
  async promote(replica: RedisNode): Promise<void> {
    const old = this.#primary;
    await replica.lead();
    this.#primary = replica;
    const others = this.replicas.filter((node) => node !== old);
    await Promise.all(others.map((node) => node.follow(replica)));
  }

  /** Undoes every fault, empties the data: what runs between two tests. Keeps who is primary. */
  async reset(): Promise<void> {
    for (const node of this.#nodes) {
      node.link.open();
      node.replication.open();
    }
    await Promise.all(this.#nodes.map((node) => node.start()));
    await this.#primary.lead();
    await this.#primary.command("FLUSHALL");
    await Promise.all(this.replicas.map((replica) => this.#bringBack(replica)));
  }

  async close(): Promise<void> {
    await Promise.all(this.#nodes.splice(0).map((node) => node.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #bringBack(replica: RedisNode): Promise<void> {
    await replica.follow(this.#primary);
    await eventually(`${replica.name} is in sync with ${this.#primary.name}`, () =>
      replica.isInSync(),
    );
  }
}
