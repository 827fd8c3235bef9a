import { area } from "../src/area.ts";
import * as classify from "./replica-router/classify.ts";

const EVERY_CHARACTER = "charCodeAt of each character";
const MAP = "Map.get";

export default area("replica-router", (bench) => {
  for (const size of ["55B", "254B", "5.2KB"] as const) {
    bench.micro(`classify/miss/${size}`, {
      ours: () => classify.classified(size),
      peers: {
        [EVERY_CHARACTER]: () => classify.everyCharacter(size),
        "libpg-query parse": () => classify.parsed(size),
      },
      floor: EVERY_CHARACTER,
    });
  }
  bench.micro("classify/hit/55B", {
    ours: () => classify.remembered("55B"),
    peers: { [MAP]: () => classify.mapGet("55B") },
    floor: MAP,
  });
  bench.micro("classify/hit/55B/fresh string", {
    ours: () => classify.rememberedAnew("55B"),
    peers: { [MAP]: () => classify.mapGetAnew("55B") },
    floor: MAP,
  });
});
