/**
 * What is told of single jobs: that one has ended, was cancelled, or has got further.
 *
 * Over pub/sub, on one connection that is made when the first process asks for such events and closed
 * when nobody does any more; whoever only works has none. The scripts publish what is rare: progress,
 * cancellations, the dead; and of what is done, only in queues that keep results, because nobody can
 * wait for the others. A message is the kind and the ids: `ended 17fz 17g0`.
 *
 * What is published while the connection is lost is not heard. Events are hints: who waits for a job
 * looks at it, too.
 */

import type { Clock } from "@headroom/core/clock";
import type { Random } from "@headroom/core/random";
import type { RedisClient } from "@headroom/core/redis-client";
import { RedisSubscription } from "@headroom/core/redis-subscription";
import type { DriverEvent } from "../driver.ts";

export interface RedisEventsOptions {
  readonly client: RedisClient;
  /** A text that no other process has. */
  readonly origin: string;
  readonly prefix: string;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly random: Random;
}

type JobEvent = Exclude<DriverEvent, { readonly kind: "ready" }>;
type Listener = (event: JobEvent) => void;

const KINDS: readonly JobEvent["kind"][] = ["ended", "cancelled", "progress"];
/** How often it is made sure that the connection would hear something. */
const HEARTBEAT_MS = 2_000;

export class RedisEvents {
  readonly #options: RedisEventsOptions;
  readonly #listeners = new Map<string, Set<Listener>>();
  #subscription: RedisSubscription | undefined;
  #whenSynced: (() => void)[] = [];

  constructor(options: RedisEventsOptions) {
    this.#options = options;
  }

  /** `ready` resolves when the channel is heard. */
  add(channel: string, listener: Listener): { readonly ready: Promise<void>; close(): void } {
    let listeners = this.#listeners.get(channel);
    const isNew = listeners === undefined;
    if (listeners === undefined) {
      listeners = new Set();
      this.#listeners.set(channel, listeners);
    }
    listeners.add(listener);
    const ready = this.#heard(isNew);
    return { ready, close: () => this.#remove(channel, listener) };
  }

  close(): void {
    this.#listeners.clear();
    this.#subscription?.close();
    this.#subscription = undefined;
  }

  async #heard(isNew: boolean): Promise<void> {
    if (this.#subscription?.isSynced && isNew) await this.#subscription.refresh();
    if (!this.#subscription?.isSynced) await this.#synced();
  }

  #synced(): Promise<void> {
    const { clock, timeoutMs } = this.#options;
    return new Promise<void>((resolve, reject) => {
      const timer = clock.timer(
        () => reject(new Error(`no connection within ${timeoutMs} ms`)),
        timeoutMs,
      );
      this.#whenSynced.push(() => {
        timer.cancel();
        resolve();
      });
      if (this.#subscription !== undefined) return;
      this.#subscription = this.#open();
      this.#subscription.start();
    });
  }

  #open(): RedisSubscription {
    const { client, origin, prefix, clock, random } = this.#options;
    return new RedisSubscription({
      client,
      channels: () => [...this.#listeners.keys()],
      pulse: `${prefix}:pulse:${origin}`,
      heartbeatMs: HEARTBEAT_MS,
      clock,
      random,
      gap: () => {},
      // Channels may have come since it named those that it would hear.
      synced: () => void this.#refreshed(),
      message: (payload, channel) => this.#tell(channel, String(payload)),
    });
  }

  async #refreshed(): Promise<void> {
    await this.#subscription?.refresh();
    if (!this.#subscription?.isSynced) return;
    for (const resolve of this.#whenSynced.splice(0)) resolve();
  }

  #tell(channel: string, message: string): void {
    const [kind, ...ids] = message.split(" ");
    const known = KINDS.find((each) => each === kind);
    const listeners = this.#listeners.get(channel);
    if (known === undefined || listeners === undefined) return;
    for (const id of ids) for (const listener of [...listeners]) listener({ kind: known, id });
  }

  #remove(channel: string, listener: Listener): void {
    const listeners = this.#listeners.get(channel);
    if (listeners === undefined) return;
    listeners.delete(listener);
    if (listeners.size === 0) this.#listeners.delete(channel);
    if (this.#listeners.size > 0) return;
    this.#subscription?.close();
    this.#subscription = undefined;
  }
}
