import { area } from "../src/area.ts";
import * as classify from "./replica-router/classify.ts";
import { FAULT_FIGURES, FAULTS, underFault } from "./replica-router/faults.ts";
import * as library from "./replica-router/libraries.ts";
import { failover, PROMOTION_FIGURES } from "./replica-router/promotion.ts";
import * as scaling from "./replica-router/read-scaling.ts";
import { STALE_FIGURES, stale } from "./replica-router/staleness.ts";
import * as throughput from "./replica-router/throughput.ts";

const EVERY_CHARACTER = "charCodeAt of each character";
const MAP = "Map.get";
const WORKERS = 8;
const THINK_MS = 50;

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

  bench.client("route/throughput", {
    setup: throughput.cluster(0),
    ours: throughput.oursOver(0),
    peers: { "pg.Pool": throughput.poolOnPrimary },
    floor: "pg.Pool",
    concurrency: WORKERS,
  });
  const one: Record<string, throughput.Reader> = {
    "pg.Pool on one replica": throughput.poolOnReplica,
  };
  for (const [replicas, peers] of [
    [1, one],
    [2, { ...one, "pg.Pools in turn": throughput.poolsInTurn }],
  ] as const) {
    bench.client(`route/throughput/{figure}/replicas=${replicas}`, {
      setup: throughput.cluster(replicas),
      ours: throughput.oursOver(replicas),
      peers,
      floor: "pg.Pool on one replica",
      concurrency: WORKERS,
    });
  }
  // Three servers on the cores of one machine: what the replicas take over, they take from each other.
  bench.client("read-scaling/{figure}/2-replicas", {
    setup: scaling.busyCluster,
    ours: scaling.overReplicas,
    peers: { "all on the primary": scaling.allOnPrimary },
    floor: "all on the primary",
    concurrency: WORKERS,
  });

  const others = <Variant>(play: (open: library.OpenDatabase) => Variant) => ({
    "pg.Pools in turn": play(library.poolsInTurn),
    "Drizzle withReplicas": play(library.drizzleReplicas),
    Sequelize: play(library.sequelize),
    TypeORM: play(library.typeorm),
  });
  const floor = "pg.Pools in turn";
  for (const [name, ours, thinkMs] of [
    ["stale/200", library.ours, 0],
    [`stale/200/${THINK_MS}-ms-later`, library.ours, THINK_MS],
    ["stale/200/wait", library.oursWith({ wait: { ms: 100 } }), 0],
  ] as const) {
    bench.figures(name, {
      figures: STALE_FIGURES,
      ours: stale(ours, thinkMs),
      peers: others((open) => stale(open, thinkMs)),
      floor,
      rounds: 3,
    });
  }
  for (const [name, fault] of Object.entries(FAULTS)) {
    bench.figures(`fault/${name}`, {
      figures: FAULT_FIGURES,
      ours: underFault(fault, library.ours),
      peers: others((open) => underFault(fault, open)),
      floor,
      rounds: 3,
    });
  }
  bench.figures("fault/promote", {
    figures: PROMOTION_FIGURES,
    ours: failover(library.ours),
    peers: others(failover),
    floor,
    rounds: 3,
  });
});
