import { area, type Better, type FiguresVariant } from "../src/area.ts";
import * as library from "./cache-behaviour/nodes.ts";
import * as scenes from "./cache-behaviour/scenes.ts";

/** Not how fast a cache is, but what it does: how often the source is asked, and what is served. */
export default area("cache-behaviour", (bench) => {
  const scene = <Name extends string>(
    name: string,
    figures: Readonly<Record<Name, { unit: string; better: Better }>>,
    play: (of: library.CacheLibrary) => FiguresVariant<Name>,
  ): void =>
    bench.figures(name, {
      figures,
      ours: play(library.ours),
      peers: {
        "no cache": play(library.noCache),
        "bentocache 1.6": play(library.bentocache),
        "cacheable 2.5": play(library.cacheable),
        "cache-manager 7.2": play(library.cacheManager),
        "async-cache-dedupe 3.4": play(library.dedupe),
        "layered-loader 16": play(library.layeredLoader),
        "cachified 5.6": play(library.cachifiedOverRedis),
      },
      floor: "no cache",
    });

  const asked = { unit: "loads", better: "lower" } as const;
  const old = { unit: "stale", better: "lower" } as const;
  const ms = { unit: "ms", better: "lower" } as const;
  scene("loads", { "100-callers": asked, "100-failing-callers": asked }, scenes.loads);
  scene("stale", { "same-node": old, "other-node": old }, scenes.stale);
  // Those that are told by a bus: without one, a process never hears of a change.
  bench.figures("subscriber-dropped", {
    figures: { stale: old },
    ours: scenes.subscriberDropped(library.ours),
    peers: {
      "no cache": scenes.subscriberDropped(library.noCache),
      "bentocache 1.6": scenes.subscriberDropped(library.bentocache),
      "layered-loader 16": scenes.subscriberDropped(library.layeredLoader),
    },
    floor: "no cache",
  });
  scene("stampede", { "3-nodes": asked }, scenes.stampede);
  scene("frozen-redis", { "cold-get": ms }, scenes.frozenRedis);
  scene("hung-loader", { "next-caller": ms }, scenes.hungLoader);
  scene("types", { kept: { unit: "of 6", better: "higher" } }, scenes.types);
});
