/**
 * The reference of a shared tier: the contract of `store.ts` in plain code, in this process.
 *
 * Each operation takes effect in one step, between the two ways over the *link*. The link is where
 * a test puts the network: it may hold a request, lose it, or lose the reply to what has been done.
 * Without one, operations take effect at once.
 *
 * It forgets nothing before its time and has no limit: for tests and examples, not for production.
 */

import { requireKnownOptions } from "@headroom/core/options";
import type { BusMessage } from "./bus.ts";
import { TagClock } from "./memory-tags.ts";
import type {
  CacheStore,
  Fill,
  InvalidateOptions,
  LeaseReply,
  LeaseRequest,
  StoreContext,
  StoredBytes,
  StoreProvider,
  TagReading,
  Write,
} from "./store.ts";
import { CachePartitionError } from "./store-errors.ts";

/** What is between the processes and the memory store; what is left out lets everything pass. */
export interface MemoryLink {
  /** Awaited before an operation. Rejects: it does not take effect. */
  request?(origin: string, operation: MemoryOperation): Promise<void>;
  /** Awaited after it. Rejects: it has taken effect, and the caller does not know. */
  reply?(origin: string, operation: MemoryOperation): Promise<void>;
  /** Awaited before the bus of `origin` is synced, first and after each gap. Never rejects. */
  connect?(origin: string): Promise<void>;
  /** Awaited before a message is told, in order. Rejects: the connection broke, with all in it. */
  message?(origin: string, message: BusMessage): Promise<void>;
}

/** The methods of a store that go over the link. */
export type MemoryOperation =
  | "read"
  | "lease"
  | "renew"
  | "release"
  | "fill"
  | "write"
  | "invalidate"
  | "bump"
  | "tags";

export interface MemoryStoreOptions {
  /** @default none: everything arrives at once */
  readonly link?: MemoryLink | undefined;
}

/** Gives each cache that it is passed to a view of one and the same memory. */
export interface MemoryStoreProvider extends StoreProvider {
  /** For `memoryBus`. */
  readonly memory: SharedMemory;
  /** Forgets everything, as a server that was restarted empty: the floor of tags rises. */
  flush(): void;
}

/** A store in the memory of this process, shared by all caches that are made with this provider. */
export function memoryStore(options: MemoryStoreOptions = {}): MemoryStoreProvider {
  requireKnownOptions("memoryStore", options, ["link"]);
  const memory = new SharedMemory(options.link ?? {});
  const provider = (context: StoreContext): CacheStore => new MemoryStore(memory, context);
  return Object.assign(provider, { memory, flush: () => memory.flush() });
}

interface Slot {
  value: { readonly bytes: Uint8Array; readonly untilMs: number } | undefined;
  /** Without a token it is a hold: nobody gets a lease. */
  lease: { readonly token: string | undefined; readonly untilMs: number } | undefined;
}

/** Receives the messages of one cache; the origin is the sender's. */
export type MemorySubscriber = (origin: string, message: BusMessage) => void;

/** What the server would hold: slots by key, and by cache the tags and who listens. */
export class SharedMemory {
  readonly link: MemoryLink;
  readonly #slots = new Map<string, Slot>();
  readonly #tags = new Map<string, TagClock>();
  readonly #subscribers = new Map<string, Set<MemorySubscriber>>();

  constructor(link: MemoryLink) {
    this.link = link;
  }

  /** The slot of a key, without what has run out by `nowMs`. */
  slot(key: string, nowMs: number): Slot {
    const slot = this.#slots.get(key) ?? { value: undefined, lease: undefined };
    this.#slots.set(key, slot);
    if (slot.value !== undefined && slot.value.untilMs <= nowMs) slot.value = undefined;
    if (slot.lease !== undefined && slot.lease.untilMs <= nowMs) slot.lease = undefined;
    return slot;
  }

  tagsOf(cache: string): TagClock {
    const tags = this.#tags.get(cache) ?? new TagClock();
    this.#tags.set(cache, tags);
    return tags;
  }

  flush(): void {
    this.#slots.clear();
    for (const tags of this.#tags.values()) tags.forget();
  }

  publish({ cache, origin }: StoreContext, message: BusMessage): void {
    for (const tell of [...(this.#subscribers.get(cache) ?? [])]) tell(origin, message);
  }

  /** @returns ends the subscription. */
  subscribe(cache: string, subscriber: MemorySubscriber): () => void {
    const subscribers = this.#subscribers.get(cache) ?? new Set();
    this.#subscribers.set(cache, subscribers.add(subscriber));
    return () => void subscribers.delete(subscriber);
  }
}

class MemoryStore implements CacheStore {
  readonly name = "memory";
  readonly partitions = 1;
  readonly #memory: SharedMemory;
  readonly #context: StoreContext;

  constructor(memory: SharedMemory, context: StoreContext) {
    this.#memory = memory;
    this.#context = context;
  }

  partitionOf(): number {
    return 0;
  }

  read(keys: readonly string[]): Promise<readonly (StoredBytes | undefined)[]> {
    return this.#over("read", () =>
      keys.map((key) => {
        const { value } = this.#slot(key);
        return value && { bytes: value.bytes, partition: 0 };
      }),
    );
  }

  lease(requests: readonly LeaseRequest[]): Promise<readonly LeaseReply[]> {
    return this.#over("lease", () => requests.map((request) => this.#lease(request)));
  }

  renew(key: string, token: string, leaseMs: number): Promise<boolean> {
    return this.#over("renew", () => {
      const slot = this.#slot(key);
      if (slot.lease?.token !== token) return false;
      slot.lease = { token, untilMs: this.#nowMs() + leaseMs };
      return true;
    });
  }

  release(key: string, token: string): Promise<void> {
    return this.#over("release", () => {
      const slot = this.#slot(key);
      if (slot.lease?.token === token) slot.lease = undefined;
    });
  }

  fill(fills: readonly Fill[]): Promise<readonly boolean[]> {
    return this.#over("fill", () =>
      fills.map(({ key, token, bytes, ttlMs }) => {
        const slot = this.#slot(key);
        if (slot.lease?.token !== token) return false;
        slot.lease = undefined;
        slot.value = { bytes: bytes.slice(), untilMs: this.#nowMs() + ttlMs };
        return true;
      }),
    );
  }

  write(writes: readonly Write[]): Promise<void> {
    const elsewhere = writes.find(({ partition }) => partition !== 0);
    if (elsewhere !== undefined)
      return Promise.reject(new CachePartitionError(this.name, elsewhere.partition));
    return this.#over("write", () => {
      for (const { key, bytes, ttlMs } of writes) {
        const slot = this.#slot(key);
        slot.value = { bytes: bytes.slice(), untilMs: this.#nowMs() + ttlMs };
        if (slot.lease?.token !== undefined) slot.lease = undefined;
      }
      this.#publish({ kind: "keys", keys: writes.map(({ key }) => key) });
    });
  }

  invalidate(keys: readonly string[], { holdForMs }: InvalidateOptions): Promise<void> {
    return this.#over("invalidate", () => {
      for (const key of keys) {
        const slot = this.#slot(key);
        slot.value = undefined;
        const heldUntilMs = isHold(slot) ? (slot.lease?.untilMs ?? 0) : 0;
        const untilMs = Math.max(heldUntilMs, this.#nowMs() + holdForMs);
        slot.lease = untilMs > this.#nowMs() ? { token: undefined, untilMs } : undefined;
      }
      this.#publish({ kind: "keys", keys });
    });
  }

  bump(tags: readonly string[]): Promise<readonly TagReading[]> {
    return this.#over("bump", () => {
      const sequence = this.#tags.bump(tags);
      this.#publish({ kind: "tags", tags, sequence });
      return [{ partition: 0, ...this.#tags.read(tags) }];
    });
  }

  tags(partition: number, tags: readonly string[]): Promise<TagReading> {
    if (partition !== 0) return Promise.reject(new CachePartitionError(this.name, partition));
    return this.#over("tags", () => ({ partition, ...this.#tags.read(tags) }));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #lease({ key, token, leaseMs, refresh }: LeaseRequest): LeaseReply {
    const slot = this.#slot(key);
    const partition = 0;
    if (slot.value !== undefined && !refresh) {
      return { kind: "value", bytes: slot.value.bytes, partition };
    }
    if (isHold(slot)) return { kind: "on-hold", partition };
    // The same token again is the same request, sent twice by a client that lost its connection.
    if (slot.lease !== undefined && slot.lease.token !== token) return { kind: "held", partition };
    slot.lease ??= { token, untilMs: this.#nowMs() + leaseMs };
    return { kind: "granted", partition };
  }

  get #tags(): TagClock {
    return this.#memory.tagsOf(this.#context.cache);
  }

  #slot(key: string): Slot {
    return this.#memory.slot(key, this.#nowMs());
  }

  #nowMs(): number {
    return this.#context.clock.monotonicNow();
  }

  #publish(message: BusMessage): void {
    this.#memory.publish(this.#context, message);
  }

  async #over<Result>(operation: MemoryOperation, step: () => Result): Promise<Result> {
    const { link } = this.#memory;
    const { origin } = this.#context;
    if (link.request !== undefined) await link.request(origin, operation);
    const result = step();
    if (link.reply !== undefined) await link.reply(origin, operation);
    return result;
  }
}

function isHold({ lease }: Slot): boolean {
  return lease !== undefined && lease.token === undefined;
}
