/** Who is told of a queue's events: after what happened is complete, and never in the middle of it. */

import type { DriverEvent } from "../driver.ts";

interface Subscriber {
  readonly kinds: ReadonlySet<DriverEvent["kind"]>;
  readonly listener: (event: DriverEvent) => void;
}

export class Subscribers {
  readonly #subscribers = new Set<Subscriber>();

  /** @returns ends it. */
  add(kinds: readonly DriverEvent["kind"][], listener: (event: DriverEvent) => void): () => void {
    const subscriber = { kinds: new Set(kinds), listener };
    this.#subscribers.add(subscriber);
    return () => void this.#subscribers.delete(subscriber);
  }

  tell(event: DriverEvent): void {
    for (const subscriber of this.#subscribers) {
      if (!subscriber.kinds.has(event.kind)) continue;
      queueMicrotask(() => {
        if (this.#subscribers.has(subscriber)) subscriber.listener(event);
      });
    }
  }
}
