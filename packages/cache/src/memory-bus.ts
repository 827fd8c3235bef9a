/**
 * The bus of the memory store: what one process changes, the others are told.
 *
 * It behaves as one connection to a server does. Messages come in order; one that is held up holds
 * up those behind it; when one is lost the connection has broken, and those behind it are lost too.
 * Then there is a gap, until it has connected again. What happens in between is told to nobody.
 */

import type { BusListener, BusMessage, BusProvider, CacheBus } from "./bus.ts";
import type { MemoryLink, MemoryStoreProvider, SharedMemory } from "./memory-store.ts";
import type { StoreContext } from "./store.ts";

/** The bus that belongs to a {@link memoryStore}: `memoryBus(store)`. */
export function memoryBus(store: MemoryStoreProvider): BusProvider {
  return (context) => new MemoryBus(store.memory, context);
}

class MemoryBus implements CacheBus {
  readonly name = "memory";
  readonly #memory: SharedMemory;
  readonly #context: StoreContext;
  #closed = false;
  #unsubscribe: () => void = () => {};

  constructor(memory: SharedMemory, context: StoreContext) {
    this.#memory = memory;
    this.#context = context;
  }

  start(listener: BusListener): void {
    void this.#stayConnected(listener);
  }

  close(): Promise<void> {
    this.#closed = true;
    this.#unsubscribe();
    return Promise.resolve();
  }

  async #stayConnected(listener: BusListener): Promise<void> {
    while (!this.#closed) {
      await this.#link.connect?.(this.#context.origin);
      if (this.#closed) return;
      const connection = this.#connect();
      listener.synced(0);
      await this.#deliver(connection, listener);
      this.#unsubscribe();
      if (!this.#closed) listener.gap(0);
    }
  }

  #connect(): Mailbox {
    const mailbox = new Mailbox();
    const { cache, origin } = this.#context;
    const leave = this.#memory.subscribe(cache, (sender, message) => {
      if (sender !== origin) mailbox.put(message);
    });
    this.#unsubscribe = () => {
      leave();
      mailbox.end();
    };
    return mailbox;
  }

  /** Until a message is lost, or the bus is closed. */
  async #deliver(mailbox: Mailbox, listener: BusListener): Promise<void> {
    for (let message = await mailbox.take(); message; message = await mailbox.take()) {
      if (!(await this.#passes(this.#link.message?.(this.#context.origin, message)))) return;
      if (this.#closed) return;
      listener.message(0, message);
    }
  }

  get #link(): MemoryLink {
    return this.#memory.link;
  }

  async #passes(way: Promise<void> | undefined): Promise<boolean> {
    try {
      await way;
      return true;
    } catch {
      return false;
    }
  }
}

/** Messages in order, for one reader who may have to wait. */
class Mailbox {
  readonly #messages: BusMessage[] = [];
  #ended = false;
  #wake: () => void = () => {};

  put(message: BusMessage): void {
    this.#messages.push(message);
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** Undefined: it has ended. */
  async take(): Promise<BusMessage | undefined> {
    while (this.#messages.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#ended ? undefined : this.#messages.shift();
  }
}
