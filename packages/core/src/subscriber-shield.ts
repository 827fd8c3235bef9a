/**
 * Keeps an error in somebody's telemetry from ending the process.
 *
 * A diagnostics channel already keeps a subscriber's error from whoever publishes: Node catches it.
 * But then Node throws it again in the next tick, as an uncaught exception, and a typo in a metrics
 * hook takes down every server that gets a request. For our channels that is the wrong end. So each
 * subscriber, and each transform of `bindStore`, is put behind a shield when it is added: what it
 * throws, or as an async function rejects with, is reported as a process warning with the code
 * `HEADROOM_SUBSCRIBER_FAILED`. Once for each subscriber; it goes on being called.
 *
 * The shield (`shield`) is put on through the channel's public methods, so it makes no difference whether
 * somebody subscribes through us or by name through `node:diagnostics_channel`. What was subscribed
 * by name *before* this package was loaded is out of its reach and keeps Node's behaviour.
 */

import type { AsyncLocalStorage } from "node:async_hooks";
import type { Channel } from "node:diagnostics_channel";
import { shield } from "./shield.ts";

type Handler<Result> = (message: unknown, name?: string | symbol) => Result;
type Store = AsyncLocalStorage<unknown>;

/** On the channel, which two installed copies of this package have in common. */
const SHIELDED = Symbol.for("headroom.shielded");

/** Shields every present and future way to add a subscriber to `channel`. */
export function shieldSubscribers(channel: Channel): void {
  if (SHIELDED in channel) return;
  // Node exchanges the prototype when the channel gets its first subscriber or loses its last.
  const methods = (): Channel => Object.getPrototypeOf(channel);
  const shields = new Shields(String(channel.name));
  const override = (value: unknown): PropertyDescriptor => ({
    value,
    configurable: true,
    writable: true,
  });
  Object.defineProperties(channel, {
    [SHIELDED]: { value: true },
    subscribe: override((handler: Handler<void>): void =>
      methods().subscribe.call(channel, shields.before(handler)),
    ),
    // Second, the handler itself: it may have subscribed before the shields were there.
    unsubscribe: override((handler: Handler<void>): boolean =>
      [shields.of(handler), handler].some((each) => methods().unsubscribe.call(channel, each)),
    ),
    bindStore: override((store: Store, transform?: Handler<unknown>): void => {
      // A store whose transform fails keeps what it held outside.
      const shielded = transform && shields.make(transform, () => store.getStore());
      methods().bindStore.call(channel, store, shielded);
    }),
  });
}

/** The shields of one channel, so that a subscriber can be found again when it leaves. */
class Shields {
  readonly #channelName: string;
  readonly #shields = new WeakMap<object, Handler<void>>();
  readonly #made = new WeakSet<object>();

  constructor(channelName: string) {
    this.#channelName = channelName;
  }

  /** The shield of a subscriber that has one. */
  of(handler: Handler<void>): Handler<void> {
    return this.#shields.get(handler) ?? handler;
  }

  /** A subscriber's shield, the same one each time. */
  before(handler: Handler<void>): Handler<void> {
    const shielded = this.#shields.get(handler) ?? this.make(handler, () => {});
    if (shielded !== handler) this.#shields.set(handler, shielded);
    return shielded;
  }

  /** `instead` gives the result when `handler` throws. */
  make<Result>(handler: Handler<Result>, instead: () => Result): Handler<Result> {
    // Node adds a channel's first subscriber in two steps, and the second comes with the shield.
    // What is no function is left to Node to refuse.
    if (typeof handler !== "function" || this.#made.has(handler)) return handler;
    const shielded = shield(handler, instead, {
      what: `a subscriber of ${this.#channelName}`,
      code: "HEADROOM_SUBSCRIBER_FAILED",
    });
    this.#made.add(shielded);
    return shielded;
  }
}
