/**
 * Tells other processes, and never in the transaction that they are told of.
 *
 * `NOTIFY` in a transaction that adds jobs makes commits wait for each other: PostgreSQL keeps the order
 * of notifications with one lock for all databases, which is held until the commit is on disk. Measured
 * with 30 connections that is a half to nine tenths of all adding. So they go in a statement of their
 * own, which writes nothing and hence is not waited for, and not one for each job: the first at once,
 * so that an idle worker starts at once, and what comes in the next moments together after them.
 *
 * They are hints. One that fails is not sent again: whoever waits looks by itself from time to time.
 */

import type { Clock, Timer } from "@headroom/core/clock";

export type EventKind = "ready" | "ended" | "cancelled" | "progress";

export interface Told {
  readonly kind: EventKind;
  readonly queue: string;
  /** Who told. */
  readonly origin: string;
  readonly ids: readonly string[];
}

export interface NotifierOptions {
  readonly send: (payloads: readonly string[]) => Promise<unknown>;
  readonly origin: string;
  readonly everyMs: number;
  readonly clock: Clock;
}

/** PostgreSQL takes less than 8,000 bytes; ids are at most 200 characters. */
const LONGEST_IDS = 7_000;

export class Notifier {
  readonly #options: NotifierOptions;
  /** By "kind queue": the ids. */
  readonly #waiting = new Map<string, Set<string>>();
  #timer: Timer | undefined;
  #sending: Promise<unknown> = Promise.resolve();

  constructor(options: NotifierOptions) {
    this.#options = options;
  }

  tell(kind: EventKind, queue: string, ids: readonly string[] = []): void {
    const name = `${kind} ${queue}`;
    const known = this.#waiting.get(name) ?? new Set();
    for (const id of ids) known.add(id);
    this.#waiting.set(name, known);
    if (this.#timer === undefined) this.#flush();
  }

  /** What was told is on its way when it resolves. */
  async close(): Promise<void> {
    this.#timer?.cancel();
    if (this.#waiting.size > 0) this.#flush();
    this.#timer?.cancel();
    await this.#sending;
  }

  #flush(): void {
    const { send, origin, everyMs, clock } = this.#options;
    const payloads = [...this.#waiting].flatMap(([name, ids]) =>
      inParts(ids).map((part) => `${name} ${origin}${part}`),
    );
    this.#waiting.clear();
    this.#sending = send(payloads).catch(() => {});
    this.#timer = clock.timer(() => {
      this.#timer = undefined;
      if (this.#waiting.size > 0) this.#flush();
    }, everyMs);
  }
}

function inParts(ids: ReadonlySet<string>): string[] {
  const parts = [""];
  for (const id of ids) {
    const last = parts.length - 1;
    if (Buffer.byteLength(`${parts[last]} ${id}`) <= LONGEST_IDS) parts[last] += ` ${id}`;
    else parts.push(` ${id}`);
  }
  return parts;
}

const KINDS: readonly string[] = ["ready", "ended", "cancelled", "progress"] satisfies EventKind[];

/** What a payload says; undefined when it is none of ours. */
export function parseTold(payload: string): Told | undefined {
  const [kind = "", queue, origin, ...ids] = payload.split(" ");
  if (!KINDS.includes(kind) || queue === undefined || origin === undefined) return undefined;
  return { kind: kind as EventKind, queue, origin, ids };
}
