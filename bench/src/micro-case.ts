import type { MicroVariant } from "./area.ts";
import { calibrate } from "./calibration.ts";
import { buildLoop, sink } from "./loop.ts";
import type { Pace } from "./pace.ts";
import type { Contestant } from "./rounds.ts";
import type { Stopwatch } from "./stopwatch.ts";

/**
 * A variant that runs in this process. One figure: nanoseconds of CPU time an operation.
 *
 * CPU time, because the machine is shared: while another process holds the core, the wall clock of a
 * turn runs on and its CPU clock stands still. The variant's share of garbage collection counts, also
 * on helper threads; waiting does not.
 */
export async function openMicro(
  name: string,
  variant: MicroVariant,
  pace: Pace,
  stopwatch: Stopwatch,
  resources: AsyncDisposableStack,
): Promise<Contestant> {
  const loop = buildLoop(await variant(resources));
  const run = async (operations: number): Promise<void> => {
    sink.last = await loop(operations);
  };
  const operations = await calibrate(run, pace, stopwatch);
  return {
    name,
    turn: async () => {
      stopwatch.settle();
      const startUs = stopwatch.cpuUs();
      await run(operations);
      return [((stopwatch.cpuUs() - startUs) * 1000) / operations];
    },
  };
}
