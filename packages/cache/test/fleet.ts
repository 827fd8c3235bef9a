/** Several processes of one cache, one source of truth, and time that stands still. */

import { seededRandom } from "@headroom/core/random";
import { createManualClock, type ManualClock } from "@headroom/core/testing";
import { onTestFinished } from "vitest";
import { type Cache, createCache } from "../src/cache.ts";
import type { CacheOptions } from "../src/cache-options.ts";
import type { Definition } from "../src/definition.ts";
import type { DefinitionOptions } from "../src/definition-options.ts";
import { memoryBus } from "../src/memory-bus.ts";
import { type MemoryLink, type MemoryStoreProvider, memoryStore } from "../src/memory-store.ts";

export interface FleetOptions {
  readonly nodes?: number;
  readonly link?: MemoryLink;
  readonly bus?: boolean;
  readonly cache?: CacheOptions;
  readonly definition?: Partial<DefinitionOptions<string, unknown>>;
}

export interface Fleet {
  readonly clock: ManualClock;
  readonly store: MemoryStoreProvider;
  readonly caches: readonly Cache[];
  /** `users` of each process. */
  readonly users: readonly Definition<string, unknown>[];
  /** What the source has; a load reads it, and waits for `gate` on the way back. */
  readonly source: Map<string, unknown>;
  readonly loads: string[];
  /** A load is held on its way back until `release`. */
  hold(): () => void;
}

/** Processes that have connected to the bus. */
export async function createFleet(options: FleetOptions = {}): Promise<Fleet> {
  const clock = createManualClock();
  const store = memoryStore({ link: options.link ?? {} });
  const source = new Map<string, unknown>();
  const loads: string[] = [];
  let gate: Promise<void> = Promise.resolve();
  const caches = Array.from({ length: options.nodes ?? 2 }, (_, index) =>
    createCache({
      name: "app",
      l2: store,
      ...(options.bus === false ? {} : { bus: memoryBus(store) }),
      clock,
      random: seededRandom(index + 1),
      ...options.cache,
    }),
  );
  onTestFinished(async () => {
    for (const cache of caches) await cache.close();
  });
  const users = caches.map((cache) =>
    cache.define<string, unknown>("user", {
      load: async (id) => {
        loads.push(id);
        const value = source.get(id);
        await gate;
        return value;
      },
      jitter: 0,
      earlyRefresh: 0,
      ...options.definition,
    }),
  );
  await clock.advance(0);
  return {
    clock,
    store,
    caches,
    users,
    source,
    loads,
    hold() {
      let release = (): void => {};
      gate = new Promise((resolve) => {
        release = resolve;
      });
      return () => {
        gate = Promise.resolve();
        release();
      };
    },
  };
}

/** The element of a list that is known to be there. */
export function at<Element>(list: readonly Element[], index: number): Element {
  const element = list[index];
  if (element === undefined) throw new RangeError(`nothing at ${index} of ${list.length}`);
  return element;
}
