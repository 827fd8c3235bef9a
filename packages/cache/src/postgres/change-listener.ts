/**
 * A connection that listens, and connects again when it breaks.
 *
 * PostgreSQL keeps no notification for a listener that is away. So each time the connection has
 * been made, also the first, `missed` is called before any notification: what happened until then
 * is not known. A connection that is dead without a sign (the machine on the other side is gone)
 * is found by asking it something at regular times.
 */

import { type Backoff, fullJitterBackoff } from "@headroom/core/backoff";
import type { Clock } from "@headroom/core/clock";
import { withDeadline } from "@headroom/core/deadline";
import type { Random } from "@headroom/core/random";
import type { PostgresConnection } from "./postgres-client.ts";

export interface ChangeListenerOptions {
  readonly connect: () => PostgresConnection;
  readonly channel: string;
  readonly notified: (payload: string) => void;
  /** Notifications may have been missed until now. */
  readonly missed: () => void;
  /** The connection broke, or could not be made; it is tried again. */
  readonly failed: (reason: unknown) => void;
  readonly checkEveryMs: number;
  readonly clock: Clock;
  readonly random: Random;
}

const BACKOFF: Backoff = fullJitterBackoff({ baseMs: 100, maxMs: 10_000 });

export class ChangeListener {
  readonly #options: ChangeListenerOptions;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;

  constructor(options: ChangeListenerOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, random, failed } = this.#options;
    const { signal } = this.#closing;
    for (let attempt = 1; !signal.aborted; attempt++) {
      try {
        await this.#listen(() => {
          attempt = 0;
        });
      } catch (reason) {
        if (!signal.aborted) failed(reason);
      }
      await clock.sleep(BACKOFF(attempt + 1, random, 0), { signal }).catch(() => {});
    }
  }

  /** Until the connection breaks, or the listener is closed. */
  async #listen(connected: () => void): Promise<void> {
    const { connect, channel, notified, missed } = this.#options;
    const connection = connect();
    const broken = new AbortController();
    const end = (reason?: unknown): void => broken.abort(reason ?? new Error("connection ended"));
    connection.on("error", end);
    connection.on("end", end);
    connection.on("notification", (message) => {
      if (message.channel === channel) notified(message.payload ?? "");
    });
    try {
      await this.#within(() => connection.connect(), broken.signal);
      await this.#within(
        () => connection.query(`LISTEN "${channel.replaceAll('"', '""')}"`),
        broken.signal,
      );
      connected();
      missed();
      await this.#watch(connection, broken.signal);
    } finally {
      // Not waited for: a connection that is dead without a sign never ends by itself.
      void connection.end().catch(() => {});
    }
  }

  async #watch(connection: PostgresConnection, broken: AbortSignal): Promise<void> {
    const { clock, checkEveryMs } = this.#options;
    for (;;) {
      await this.#within((signal) => clock.sleep(checkEveryMs, { signal }), broken);
      await this.#within(() => connection.query("SELECT 1"), broken);
    }
  }

  /** Ends with the connection, with the listener, or when it takes too long. */
  #within<Result>(
    work: (signal: AbortSignal) => Promise<Result>,
    broken: AbortSignal,
  ): Promise<Result> {
    const { clock, checkEveryMs } = this.#options;
    return withDeadline(
      { timeoutMs: 2 * checkEveryMs, signal: broken, what: "listening to PostgreSQL", clock },
      () => withDeadline({ signal: this.#closing.signal, clock }, work),
    );
  }
}
