/**
 * Who wants to know what, in this process; and how it is heard of.
 *
 * What this process does itself its subscribers hear at once. What others do comes through the
 * listener, and is none of ours again. Without a listener, and for what a transaction has added, a poll
 * stands in: at random intervals, so that processes that were started together do not ask together.
 *
 * Nobody tells of ends of jobs in which nobody is interested. Whoever subscribes to them writes into
 * the table of watchers that he does, for a minute, and again as long as he does.
 */

import type { Clock, Timer } from "@headroom/core/clock";
import type { Random } from "@headroom/core/random";
import type { DriverEvent, Subscription } from "../driver.ts";
import { type EventKind, parseTold } from "./notifier.ts";

export interface JobEventsOptions {
  readonly origin: string;
  readonly pollMs: number;
  /** Writes down that somebody waits for the end of jobs, for so long. */
  readonly watch: (queue: string, ms: number) => Promise<unknown>;
  readonly clock: Clock;
  readonly random: Random;
}

type Subscribed = (event: DriverEvent) => void;

interface Subscriber {
  readonly queue: string;
  readonly kinds: readonly EventKind[];
  readonly listener: Subscribed;
}

const WATCHED_MS = 60_000;

export class JobEvents {
  readonly #options: JobEventsOptions;
  readonly #subscribers = new Map<string, Set<Subscriber>>();

  constructor(options: JobEventsOptions) {
    this.#options = options;
  }

  /** @param listening resolves when what others do is heard of. */
  subscribe(
    queue: string,
    kinds: readonly EventKind[],
    listener: Subscribed,
    listening: Promise<void>,
  ): Subscription {
    const subscriber = { queue, kinds, listener };
    const ofQueue = this.#subscribers.get(queue) ?? new Set();
    this.#subscribers.set(queue, ofQueue.add(subscriber));
    const stop: (() => void)[] = [
      () => {
        ofQueue.delete(subscriber);
        if (ofQueue.size === 0) this.#subscribers.delete(queue);
      },
    ];
    if (kinds.includes("ready")) stop.push(this.#poll(subscriber));
    const ready = Promise.all([
      listening,
      kinds.includes("ended") ? this.#watch(queue, stop) : undefined,
    ]).then(() => {});
    // Who does not wait for it hears of the failure by the operations that fail.
    ready.catch(() => {});
    const close = async (): Promise<void> => {
      for (const each of stop.splice(0)) each();
    };
    return { ready, close };
  }

  /** In this process. */
  tell(kind: EventKind, queue: string, ids: readonly string[] = []): void {
    for (const { kinds, listener } of [...(this.#subscribers.get(queue) ?? [])]) {
      if (!kinds.includes(kind)) continue;
      if (kind === "ready") listener({ kind });
      else for (const id of ids) listener({ kind, id });
    }
  }

  /** A notification has arrived. */
  hear(payload: string): void {
    const told = parseTold(payload);
    if (told === undefined || told.origin === this.#options.origin) return;
    this.tell(told.kind, told.queue, told.ids);
  }

  /** Notifications may have been missed: there may be jobs. */
  missed(): void {
    for (const queue of this.#subscribers.keys()) this.tell("ready", queue);
  }

  close(): void {
    this.#subscribers.clear();
  }

  #poll({ listener }: Subscriber): () => void {
    const { pollMs, clock, random } = this.#options;
    let timer: Timer;
    const arm = (): void => {
      timer = clock.timer(
        () => {
          arm();
          listener({ kind: "ready" });
        },
        pollMs * (0.75 + random() / 2),
      );
    };
    arm();
    return () => timer.cancel();
  }

  async #watch(queue: string, stop: (() => void)[]): Promise<void> {
    const { watch, clock } = this.#options;
    let timer: Timer;
    const arm = (): void => {
      timer = clock.timer(() => {
        arm();
        watch(queue, WATCHED_MS).catch(() => {});
      }, WATCHED_MS / 3);
    };
    arm();
    stop.push(() => timer.cancel());
    await watch(queue, WATCHED_MS);
  }
}
