import { Ewma, PeakEwma } from "@headroom/core/ewma";
import { seededRandom } from "@headroom/core/random";
import { area } from "../src/area.ts";

const DECAY_MS = 10_000;

export default area("core", (bench) => {
  bench.micro("ewma/update", {
    ours: () => {
      const ewma = new Ewma(DECAY_MS);
      let nowMs = 0;
      return (index) => {
        nowMs += 1;
        ewma.update(index & 255, nowMs);
      };
    },
    peers: { "the bare formula": bareEwma },
    floor: "the bare formula",
  });

  bench.micro("ewma/peak: update and read", {
    ours: () => {
      const ewma = new PeakEwma(DECAY_MS, 1, 0);
      let nowMs = 0;
      return (index) => {
        nowMs += 1;
        ewma.update(index & 255, nowMs);
        return ewma.estimateAt(nowMs);
      };
    },
    peers: { "the bare formula, mean only": bareEwma },
    floor: "the bare formula, mean only",
  });

  bench.micro("random/seeded", {
    ours: () => seededRandom(1),
    peers: { "Math.random": () => () => Math.random() },
    floor: "Math.random",
  });
});

/** What any time-decayed mean has to do, its state where doubles lie unboxed. */
function bareEwma(): (index: number) => number {
  const state = { mean: Number.NaN, updatedMs: Number.NEGATIVE_INFINITY };
  let nowMs = 0;
  return (index) => {
    nowMs += 1;
    const kept = Math.exp((state.updatedMs - nowMs) / DECAY_MS);
    state.mean = kept === 0 ? index & 255 : state.mean * kept + (index & 255) * (1 - kept);
    state.updatedMs = nowMs;
    return state.mean;
  };
}
