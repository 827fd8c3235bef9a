import { Redis } from "ioredis";
import { ProcessNode } from "./process-node.ts";

/** One Redis server (or Sentinel): loopback only, no password. `new Redis(node.via)` connects to it. */
export class RedisNode extends ProcessNode {
  #follows = false;

  async version(): Promise<string> {
    return `Redis ${/redis_version:(\S+)/.exec(String(await this.command("INFO", "server")))?.[1] ?? "?"}`;
  }

  /** One command on a connection of its own, straight to the server, whatever its link suffers. */
  async command(name: string, ...parameters: (string | number)[]): Promise<unknown> {
    const client = new Redis({
      ...this.direct,
      lazyConnect: true,
      connectTimeout: 5000,
      commandTimeout: 30_000,
      retryStrategy: () => null,
      maxRetriesPerRequest: 0,
      // A server that loads its data would be waited for as long as it thinks, which may be far too long.
      enableReadyCheck: false,
    });
    client.on("error", () => {});
    try {
      await client.connect();
      return await client.call(name, ...parameters);
    } finally {
      client.disconnect();
    }
  }

  /** "master", "slave" or "sentinel", as the server itself says. */
  async role(): Promise<string> {
    const [role] = (await this.command("ROLE")) as [string];
    return role;
  }

  /** Follows `primary` through its replication proxy, now and whenever it is started again. */
  async follow(primary: RedisNode): Promise<void> {
    this.#follows = true;
    this.replication.retarget(primary.direct);
    if (this.life === "running") await this.#replicaOf();
  }

  /** Follows nobody from now on. */
  async lead(): Promise<void> {
    this.#follows = false;
    await this.command("REPLICAOF", "NO", "ONE");
  }

  /** What would stand in its configuration file: a replica that is started again is one again. */
  override async start(): Promise<void> {
    await super.start();
    if (this.#follows && (await this.role()) === "master") await this.#replicaOf();
  }

  /** Whether it follows a primary and has all of it (an offset alone does not say so). */
  async isInSync(): Promise<boolean> {
    const info = String(await this.command("INFO", "replication"));
    return /master_link_status:up/.test(info) && /master_sync_in_progress:0/.test(info);
  }

  protected async ping(): Promise<void> {
    await this.command("PING");
  }

  async #replicaOf(): Promise<void> {
    const { host, port } = this.replication.endpoint;
    await this.command("REPLICAOF", host, port);
  }
}
