import { area } from "../src/area.ts";
import * as inProcess from "./cache/in-process.ts";
import { bestInPercent, hitsInPercent, TRACES } from "./cache/policies.ts";
import * as shared from "./cache/shared.ts";

export default area("cache", (bench) => {
  bench.micro("l1-hit", {
    ours: inProcess.ourHit,
    peers: {
      "lru-cache fetch()": inProcess.lruFetch,
      "bentocache 1.6": inProcess.bentocacheHit(true),
      "bentocache 1.6, serialize: false": inProcess.bentocacheHit(false),
      "cacheable 2.5": inProcess.cacheableHit,
      "cache-manager 7.2": inProcess.cacheManagerHit,
      "async-cache-dedupe 3.4": inProcess.dedupeHit,
      "cachified 5.6": inProcess.cachifiedHit,
      "layered-loader 16": inProcess.layeredLoaderHit,
    },
    floor: "lru-cache fetch()",
  });
  bench.micro("l1-hit/cloned", {
    ours: inProcess.ourCloningHit,
    peers: {
      "bentocache 1.6": inProcess.bentocacheHit(true),
      "cacheable 2.5": inProcess.cacheableHit,
      "cache-manager 7.2": inProcess.cacheManagerHit,
    },
    floor: "cacheable 2.5",
  });
  bench.micro("l1-peek", {
    ours: inProcess.ourPeek,
    peers: { "lru-cache get()": inProcess.lruGet },
    floor: "lru-cache get()",
  });

  for (const [name, concurrency] of [
    ["sequential", 1],
    ["x64", 64],
  ] as const) {
    bench.client(`l2-hit/${name}`, {
      setup: shared.server,
      ours: shared.ourHit,
      peers: { "ioredis GET": shared.rawGet, "ioredis GET + JSON.parse": shared.rawGetAndParse },
      floor: "ioredis GET",
      concurrency,
    });
  }
  bench.client("miss", {
    setup: shared.server,
    ours: shared.ourMiss,
    peers: { "ioredis GET + SET": shared.rawGetAndSet },
    floor: "ioredis GET + SET",
  });
  bench.client("get-many/100", {
    setup: shared.server,
    ours: shared.ourGetMany,
    peers: {
      "100 gets, one after the other": shared.ourSingleGets,
      "100 gets at once": shared.ourSingleGetsAtOnce,
      "ioredis MGET + JSON.parse": shared.rawMgetAndParse,
    },
    floor: "ioredis MGET + JSON.parse",
  });

  for (const [name, { trace, entries }] of Object.entries(TRACES)) {
    for (const policy of ["s3fifo", "lfu", "fifo"] as const) {
      bench.figure(`policy/${policy}/${name}`, {
        unit: "% hits",
        better: "higher",
        ours: () => hitsInPercent(trace(), policy, entries),
        peers: {
          lru: () => hitsInPercent(trace(), "lru", entries),
          "Belady's optimum": () => bestInPercent(trace(), entries),
        },
        floor: "Belady's optimum",
      });
    }
  }
});
