/**
 * Who wants to know what happens to sessions: sockets that were opened with them, and copies of them.
 *
 * One connection of our own, made when the first listener comes and closed when the last one goes;
 * if it is lost another is made after a while. Messages sent meanwhile are lost: every listener is
 * told of that `gap` when the connection is lost, and again when there is one.
 */

import { type Clock, systemClock, type Timer } from "@headroom/core/clock";
import type { RedisConnection } from "@headroom/core/redis-client";
import type { SessionListener } from "../store.ts";

const AGAIN_MS = 500;

/** Each message is the key of a session. */
export interface AnnouncementChannels {
  readonly gone: string;
  readonly changed: string;
}

export class RedisAnnouncements {
  readonly #channels: AnnouncementChannels;
  readonly #connection: () => RedisConnection;
  readonly #clock: Clock;
  readonly #listeners = new Set<SessionListener>();
  #subscriber: RedisConnection | undefined;
  #again: Timer | undefined;
  #wasLost = false;

  /** @param connection one to make ours like. */
  constructor(
    channels: AnnouncementChannels,
    connection: () => RedisConnection,
    clock: Clock = systemClock,
  ) {
    this.#channels = channels;
    this.#connection = connection;
    this.#clock = clock;
  }

  listen(listener: SessionListener): () => void {
    this.#listeners.add(listener);
    if (this.#subscriber === undefined && this.#again === undefined) this.#connect();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#disconnect();
    };
  }

  #connect(): void {
    this.#again = undefined;
    let subscriber: RedisConnection;
    try {
      subscriber = this.#connection().duplicate({
        lazyConnect: true,
        retryStrategy: () => null,
        maxRetriesPerRequest: 0,
        enableReadyCheck: false,
      });
    } catch {
      this.#later();
      return;
    }
    this.#subscriber = subscriber;
    subscriber.on("error", () => {});
    subscriber.on("end", () => this.#lost(subscriber));
    subscriber.on("messageBuffer", (channel, message) =>
      this.#tell(String(channel), String(message)),
    );
    const { gone, changed } = this.#channels;
    subscriber
      .connect()
      .then(() => subscriber.callBuffer("subscribe", [gone, changed]))
      .then(() => this.#subscribed())
      .catch(() => this.#lost(subscriber));
  }

  #subscribed(): void {
    if (this.#wasLost) this.#tellGap();
    this.#wasLost = false;
  }

  #lost(subscriber: RedisConnection): void {
    if (this.#subscriber !== subscriber) return;
    this.#subscriber = undefined;
    subscriber.disconnect();
    this.#wasLost = true;
    this.#tellGap();
    this.#later();
  }

  #later(): void {
    this.#again ??= this.#clock.timer(() => this.#connect(), AGAIN_MS);
  }

  #disconnect(): void {
    const subscriber = this.#subscriber;
    this.#subscriber = undefined;
    this.#again?.cancel();
    this.#again = undefined;
    this.#wasLost = false;
    subscriber?.disconnect();
  }

  #tell(channel: string, key: string): void {
    for (const listener of this.#listeners) {
      if (channel === this.#channels.gone) listener.gone?.(key);
      else listener.changed?.(key);
    }
  }

  #tellGap(): void {
    for (const listener of this.#listeners) listener.gap?.();
  }
}
