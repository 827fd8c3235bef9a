/** The memory store with a mistake put in, and whether conformance cases find it. */

import { createManualClock } from "@headroom/core/testing";
import type { ConformanceCase, ConformanceSetup } from "../src/conformance/conformance-bench.ts";
import { memoryBus } from "../src/memory-bus.ts";
import { memoryStore } from "../src/memory-store.ts";
import type { CacheStore, StoreProvider } from "../src/store.ts";

/** What the store does otherwise than the right one that it is given. */
export type Mistake = (right: CacheStore) => Partial<CacheStore>;

/** The memory store, right but for the mistake, and a clock of its own. */
export function memorySetup(mistake: Mistake = () => ({})): ConformanceSetup {
  const clock = createManualClock();
  const memory = memoryStore();
  const store: StoreProvider = (context) => {
    const right = memory(context);
    const wrong: Partial<CacheStore> = mistake(right);
    return {
      name: right.name,
      partitions: right.partitions,
      partitionOf: (key) => right.partitionOf(key),
      read: (keys) => right.read(keys),
      lease: (requests) => right.lease(requests),
      renew: (key, token, leaseMs) => right.renew(key, token, leaseMs),
      release: (key, token) => right.release(key, token),
      fill: (fills) => right.fill(fills),
      write: (writes) => right.write(writes),
      invalidate: (keys, options) => right.invalidate(keys, options),
      bump: (tags) => right.bump(tags),
      tags: (partition, tags) => right.tags(partition, tags),
      close: () => right.close(),
      ...wrong,
    };
  };
  return {
    store,
    bus: memoryBus(memory),
    clock,
    pass: (ms) => clock.advance(ms),
    forget: async () => memory.flush(),
  };
}

/** The name of a case that the mistaken store fails. Rejects when it passes all. */
export function firstFailure(cases: readonly ConformanceCase[], mistake: Mistake): Promise<string> {
  return Promise.any(
    cases.map(({ name, run }) =>
      run(memorySetup(mistake)).then(
        () => Promise.reject(new Error("passed")),
        () => name,
      ),
    ),
  );
}
