/**
 * The connection that listens, and is made again when it breaks.
 *
 * PostgreSQL keeps nothing for a listener that is away, so each time that it is there again, `missed`
 * is called. A connection that is dead without a sign (the machine on the other side is gone, a
 * firewall has forgotten it) is found by asking it something at regular times, with a deadline. A new
 * one is a new object, never the old one tried again.
 */

import { type Backoff, fullJitterBackoff } from "@headroom/core/backoff";
import type { Clock } from "@headroom/core/clock";
import { withDeadline } from "@headroom/core/deadline";
import type { PostgresQueryable } from "@headroom/core/postgres-client";
import type { Random } from "@headroom/core/random";

/** What is needed of a connection: a `Client` or `PoolClient` of pg has it. */
export interface ListeningClient extends PostgresQueryable {
  on(
    event: "notification",
    listener: (message: {
      readonly channel: string;
      readonly payload?: string | undefined;
    }) => void,
  ): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "end", listener: () => void): unknown;
}

/** A connection that is made, and how it is closed. */
export interface OpenConnection {
  readonly client: ListeningClient;
  close(): void;
}

export interface ListenerOptions {
  readonly open: () => Promise<OpenConnection>;
  readonly channel: string;
  readonly notified: (payload: string) => void;
  /** It listens from now on; what came before may have been missed. */
  readonly missed: () => void;
  /** How often it is asked whether it is alive; and how long it may take to answer. */
  readonly checkEveryMs: number;
  readonly clock: Clock;
  readonly random: Random;
}

const BACKOFF: Backoff = fullJitterBackoff({ baseMs: 100, maxMs: 5_000 });

export class Listener {
  readonly #options: ListenerOptions;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  /** Resolves when it listens for the first time. */
  readonly ready: Promise<void>;
  #isReady: () => void = () => {};

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.ready = new Promise((resolve) => {
      this.#isReady = resolve;
    });
    this.#running = this.#run();
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error("the listener is closed"));
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, random } = this.#options;
    const { signal } = this.#closing;
    let attempt = 0;
    while (!signal.aborted) {
      attempt++;
      await this.#listen(() => {
        attempt = 0;
      }).catch(() => {});
      if (signal.aborted) return;
      await clock.sleep(BACKOFF(attempt + 1, random, 0), { signal }).catch(() => {});
    }
  }

  /** Until the connection breaks, or the listener is closed. */
  async #listen(connected: () => void): Promise<void> {
    const { open, channel, notified, missed, checkEveryMs, clock } = this.#options;
    const broken = new AbortController();
    const stop = (): void => broken.abort(this.#closing.signal.reason);
    this.#closing.signal.addEventListener("abort", stop, { once: true });
    const end = (reason?: unknown): void => broken.abort(reason ?? new Error("connection ended"));
    const opening = open();
    try {
      const { client } = await this.#within(broken.signal, () => opening);
      client.on("error", end);
      client.on("end", end);
      client.on("notification", (message) => {
        if (message.channel === channel) notified(message.payload ?? "");
      });
      await this.#within(broken.signal, () => client.query(`LISTEN "${channel}"`));
      connected();
      this.#isReady();
      missed();
      for (;;) {
        await clock.sleep(checkEveryMs, { signal: broken.signal });
        await this.#within(broken.signal, () => client.query("SELECT 1"));
      }
    } finally {
      this.#closing.signal.removeEventListener("abort", stop);
      // Not waited for: a connection that is dead without a sign never ends by itself.
      void opening.then(
        (opened) => opened.close(),
        () => {},
      );
    }
  }

  #within<Result>(signal: AbortSignal, work: () => Promise<Result>): Promise<Result> {
    const { checkEveryMs: timeoutMs, clock } = this.#options;
    return withDeadline({ timeoutMs, signal, what: "listening to PostgreSQL", clock }, work);
  }
}
