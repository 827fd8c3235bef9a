/** Telling and hearing together: this process and the others. */

import { randomBytes } from "node:crypto";
import type { Clock } from "@headroom/core/clock";
import { withDeadline } from "@headroom/core/deadline";
import { postgresArray } from "@headroom/core/postgres-client";
import type { Random } from "@headroom/core/random";
import type { DriverEvent, Subscription } from "../driver.ts";
import { JobEvents } from "./job-events.ts";
import { Listener, type OpenConnection } from "./listener.ts";
import { type EventKind, Notifier } from "./notifier.ts";
import type { Statements } from "./statements.ts";

export interface TellingOptions {
  readonly statements: Pick<Statements, "run" | "migrate" | "schema" | "channel">;
  /** Undefined: nothing listens. */
  readonly open: (() => Promise<OpenConnection>) | undefined;
  readonly pollMs: number;
  readonly notifyEveryMs: number;
  readonly checkEveryMs: number;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly random: Random;
}

export class Telling {
  readonly #options: TellingOptions;
  readonly #events: JobEvents;
  readonly #notifier: Notifier;
  #listener: Listener | undefined;

  constructor(options: TellingOptions) {
    this.#options = options;
    const { statements, pollMs, notifyEveryMs: everyMs, clock, random } = options;
    const origin = randomBytes(6).toString("hex");
    const watch = (queue: string, ms: number): Promise<unknown> => this.#watch(queue, ms);
    this.#events = new JobEvents({ origin, pollMs, watch, clock, random });
    const send = (payloads: readonly string[]): Promise<unknown> =>
      statements.run("", "SELECT pg_notify($1, p) FROM unnest($2::text[]) AS p", [
        statements.channel,
        postgresArray(payloads),
      ]);
    this.#notifier = new Notifier({ send, origin, everyMs, clock });
  }

  /** Everybody. */
  tell(kind: EventKind, queue: string, ids?: readonly string[]): void {
    this.tellHere(kind, queue, ids);
    this.#notifier.tell(kind, queue, ids);
  }

  /** This process alone. */
  tellHere(kind: EventKind, queue: string, ids?: readonly string[]): void {
    this.#events.tell(kind, queue, ids);
  }

  subscribe(
    queue: string,
    kinds: readonly EventKind[],
    listener: (event: DriverEvent) => void,
  ): Subscription {
    return this.#events.subscribe(queue, kinds, listener, this.#listen());
  }

  /** What was told is on its way when it resolves. */
  async close(): Promise<void> {
    this.#events.close();
    await this.#notifier.close();
    await this.#listener?.close();
  }

  /** Begins when somebody first wants to hear. */
  async #listen(): Promise<void> {
    const { open, statements, checkEveryMs, timeoutMs, clock, random } = this.#options;
    if (open !== undefined) {
      this.#listener ??= new Listener({
        ...{ open, channel: statements.channel, checkEveryMs, clock, random },
        notified: (payload) => this.#events.hear(payload),
        missed: () => this.#events.missed(),
      });
    }
    const ready = this.#listener?.ready;
    await statements.migrate();
    await withDeadline({ timeoutMs, what: "listening to PostgreSQL", clock }, () => ready);
  }

  async #watch(queue: string, ms: number): Promise<void> {
    const { statements } = this.#options;
    const { schema } = statements;
    await statements.run(
      queue,
      `INSERT INTO ${schema}.watchers AS w
       VALUES (${schema}.queue_id($1), clock_timestamp() + $2::float8 * interval '1 ms')
       ON CONFLICT (queue_id) DO UPDATE SET until = greatest(w.until, excluded.until)`,
      [queue, ms],
    );
  }
}
