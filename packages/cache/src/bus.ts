/**
 * How processes of one cache tell each other what has changed.
 *
 * A message names keys and tags, never values: who had a copy drops it and reads the store again.
 * The store sends (in one step with the change itself); a bus receives.
 *
 * What makes a local copy trustworthy is not that no message came but that one *would have come*.
 * So a bus also says when that is not certain: from `gap` until `synced` anything may have been
 * missed, and the listener trusts no copy that it took before `synced`. A bus starts with a gap.
 */

import type { StoreContext } from "./store.ts";

/** Makes the bus when the cache is created: `redisBus(client)`, `memoryBus(store)`. */
export type BusProvider = (context: StoreContext) => CacheBus;

export type BusMessage =
  | { readonly kind: "keys"; readonly keys: readonly string[] }
  /** `sequence`: the number the tags were given, in the partition the message is of. */
  | { readonly kind: "tags"; readonly tags: readonly string[]; readonly sequence: number };

export interface BusListener {
  /** Another process has changed something. One's own changes are not told. */
  message(partition: number, message: BusMessage): void;
  /** From here on messages of this partition may be missed. */
  gap(partition: number): void;
  /** From here on each message of this partition arrives, until the next `gap`. */
  synced(partition: number): void;
}

export interface CacheBus {
  /** For telemetry: `"redis"`. */
  readonly name: string;
  /** Called once, when the cache is created. Connects, and connects again, by itself. */
  start(listener: BusListener): void;
  /** Ends with the connections that the bus opened itself. Nothing is told after it. */
  close(): Promise<void>;
}
