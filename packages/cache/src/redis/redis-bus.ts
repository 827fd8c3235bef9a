/** `redisBus`: hears over Redis pub/sub what the other processes have changed. */

import { requireKnownOptions, requirePositive } from "@headroom/core/options";
import { type Random, systemRandom } from "@headroom/core/random";
import { type RedisClient, requireRedisClient } from "@headroom/core/redis-client";
import { RedisSubscription } from "@headroom/core/redis-subscription";
import type { BusListener, BusProvider, CacheBus } from "../bus.ts";
import type { StoreContext } from "../store.ts";
import { parseBusMessage } from "./bus-message.ts";
import { RedisKeys, requireKeyPrefix } from "./redis-keys.ts";
import { isNodeList, placedNodes, type RedisNode } from "./redis-nodes.ts";
import { DEFAULT_KEY_PREFIX } from "./redis-store-options.ts";

export interface RedisBusOptions {
  /**
   * That of the store.
   * @default "hr"
   */
  readonly keyPrefix?: string | undefined;
  /**
   * How often a process makes sure that it would hear the others, in milliseconds. A link that has
   * stalled is found after two of these at most; until then, copies in the process may be stale.
   * @default 1_000
   */
  readonly heartbeatMs?: number | undefined;
  readonly random?: Random | undefined;
}

interface BusRules {
  readonly keyPrefix: string;
  readonly heartbeatMs: number;
  readonly random: Random;
}

/**
 * The bus of a `redisStore` with the same client, or the same nodes. It subscribes on connections of
 * its own, which it makes with `client.duplicate()` and closes itself.
 *
 * @throws TypeError or RangeError when a client or an option cannot be used.
 */
export function redisBus(
  given: RedisClient | readonly RedisNode[],
  options: RedisBusOptions = {},
): BusProvider {
  const clients = isNodeList(given)
    ? placedNodes(given).map(({ client }) => client)
    : [requireRedisClient("client", given)];
  const rules = busRules(options);
  return (context) => new RedisBus(clients, context, rules);
}

function busRules(options: RedisBusOptions): BusRules {
  requireKnownOptions("redisBus", options, ["keyPrefix", "heartbeatMs", "random"]);
  return {
    keyPrefix: requireKeyPrefix("keyPrefix", options.keyPrefix ?? DEFAULT_KEY_PREFIX),
    heartbeatMs: requirePositive("heartbeatMs", options.heartbeatMs ?? 1_000),
    random: options.random ?? systemRandom,
  };
}

class RedisBus implements CacheBus {
  readonly name = "redis";
  readonly #clients: readonly RedisClient[];
  readonly #context: StoreContext;
  readonly #rules: BusRules;
  #subscriptions: readonly RedisSubscription[] = [];

  /** @param clients one for each partition, in their order. */
  constructor(clients: readonly RedisClient[], context: StoreContext, rules: BusRules) {
    this.#clients = clients;
    this.#context = context;
    this.#rules = rules;
  }

  start(listener: BusListener): void {
    this.#subscriptions = this.#clients.map((client, partition) =>
      this.#subscriptionOf(client, partition, listener),
    );
    for (const subscription of this.#subscriptions) subscription.start();
  }

  close(): Promise<void> {
    for (const subscription of this.#subscriptions) subscription.close();
    return Promise.resolve();
  }

  #subscriptionOf(
    client: RedisClient,
    partition: number,
    listener: BusListener,
  ): RedisSubscription {
    const { cache, origin, clock } = this.#context;
    const { keyPrefix, heartbeatMs, random } = this.#rules;
    const { channel } = new RedisKeys(keyPrefix, cache);
    const subscription: RedisSubscription = new RedisSubscription({
      client,
      channels: () => [channel],
      pulse: `${channel}:${origin}`,
      heartbeatMs,
      clock,
      random,
      gap: () => listener.gap(partition),
      synced: () => listener.synced(partition),
      message: (payload) => {
        const received = parseBusMessage(payload.toString());
        if (received === undefined) subscription.resync();
        else if (received.origin !== origin) listener.message(partition, received.message);
      },
    });
    return subscription;
  }
}
