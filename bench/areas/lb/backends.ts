import { type HttpBackend, type HttpFleet, startHttpFleet } from "@headroom/harness";

/** How long a healthy backend thinks, in milliseconds; its timer adds up to one. */
const THINKS_MS = [4, 5, 5, 6];

/** What reaches a backend that was paused lies in its sockets; when it goes on, it reads that first. */
const CATCH_UP_MS = 300;

/**
 * Servers in processes of their own, as a fault case needs them: alike, each 4 to 6 ms from an
 * answer, and with a count of what reached them that a crash does not lose.
 */
export class Backends implements AsyncDisposable {
  readonly #fleet: HttpFleet;
  /** What was counted by processes that are gone. */
  #buried = 0;

  private constructor(fleet: HttpFleet) {
    this.#fleet = fleet;
  }

  static async start(count: number): Promise<Backends> {
    const backends = new Backends(await startHttpFleet({ backends: count }));
    await Promise.all(backends.nodes.map((node) => backends.heal(node)));
    return backends;
  }

  get nodes(): readonly HttpBackend[] {
    return this.#fleet.nodes;
  }

  /** The one that a fault befalls. */
  get victim(): HttpBackend {
    const [first] = this.nodes;
    if (!first) throw new Error("there is no backend");
    return first;
  }

  /** Addresses of the servers themselves, not of the proxy in front of each. */
  get origins(): string[] {
    return originsOf(this.#fleet);
  }

  /** It answers well, from the next request on. */
  heal(node: HttpBackend): Promise<void> {
    const delayMs = THINKS_MS[this.nodes.indexOf(node) % THINKS_MS.length] ?? 0;
    return node.behave({ delayMs });
  }

  async kill9(node: HttpBackend): Promise<void> {
    this.#buried += (await node.stats()).requests;
    await node.kill9();
  }

  /** As it was before {@link kill9}, at the same address. */
  async start(node: HttpBackend): Promise<void> {
    await node.start();
    await this.heal(node);
  }

  /** How many requests have reached any of them. Lets those go on that are paused. */
  async requests(): Promise<number> {
    await Promise.all(this.nodes.map((node) => node.resume()));
    await new Promise((resolve) => setTimeout(resolve, CATCH_UP_MS));
    const counts = await Promise.all(this.nodes.map(requestsOf));
    return counts.reduce((sum, count) => sum + count, this.#buried);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#fleet.close();
  }
}

export function originsOf(fleet: HttpFleet): string[] {
  return fleet.nodes.map(({ direct }) => `http://${direct.host}:${direct.port}`);
}

/** None of a process that is gone: its count is buried. */
async function requestsOf(node: HttpBackend): Promise<number> {
  try {
    return (await node.stats()).requests;
  } catch {
    return 0;
  }
}
