/**
 * Variants that run in a process of their own.
 *
 * All processes of a case are open at once and idle until it is their turn, so the rounds interleave
 * them as they do variants of one process. CPU time an operation is the steady figure on a shared
 * machine; rate and latency are of the wall clock.
 *
 * No garbage is collected before a turn, as it is where variants share a heap: what is left is the
 * variant's own. A forced collection also throws away compiled code and what it has learned, and the
 * short turn after it cost an HTTP server twice its CPU time a request.
 */
import type { AsyncOperation, ClientCase, ServerCase } from "./area.ts";
import { calibrate } from "./calibration.ts";
import type { ClientTurn } from "./child-protocol.ts";
import { ChildVariant } from "./child-variant.ts";
import { drive } from "./load.ts";
import type { Pace } from "./pace.ts";
import type { Contestant, Reading } from "./rounds.ts";
import { systemStopwatch } from "./stopwatch.ts";

/** Where a child finds its variant again. */
export interface VariantPlace {
  readonly areaFile: string;
  readonly caseName: string;
  readonly variant: string;
}

/**
 * While the other variants warm up, the connections of one are idle, and closed. Closing one is a path
 * that its compiled code has never met and is thrown away for. So all take some turns that do not
 * count: connected again, compiled again.
 */
export const SETTLING_ROUNDS = 5;

/** The way of a request through Node is long: it is compiled after some ten thousand of them. */
const WARM_UP_FACTOR = 2;

type Turn = (operations: number) => Promise<ClientTurn>;

/** In the order of the process figures of figures.ts. */
export function toReading(turn: ClientTurn, operations: number): Reading {
  return [
    turn.cpuUs / operations,
    operations / (turn.wallMs / 1000),
    turn.p50Ms * 1000,
    turn.p99Ms * 1000,
  ];
}

async function openTurns(
  name: string,
  turn: Turn,
  concurrency: number,
  pace: Pace,
): Promise<Contestant> {
  const longer = { ...pace, warmUpMs: pace.warmUpMs * WARM_UP_FACTOR };
  const operations = await calibrate(turn, longer, systemStopwatch, concurrency);
  return { name, turn: async () => toReading(await turn(operations), operations) };
}

export async function openClient(
  place: VariantPlace,
  definition: ClientCase<unknown>,
  shared: unknown,
  pace: Pace,
  resources: AsyncDisposableStack,
): Promise<Contestant> {
  const child = resources.use(new ChildVariant());
  await child.ask({ order: "open", ...place, shared }, "opened");
  const turn: Turn = async (operations) =>
    (await child.ask({ order: "turn", operations }, "turned")).turn;
  return openTurns(place.variant, turn, definition.concurrency ?? 1, pace);
}

export async function openServer(
  place: VariantPlace,
  definition: ServerCase<unknown, unknown>,
  shared: unknown,
  pace: Pace,
  resources: AsyncDisposableStack,
): Promise<Contestant> {
  const child = resources.use(new ChildVariant());
  const { address } = await child.ask({ order: "open", ...place, shared }, "opened");
  const operation: AsyncOperation = await definition.load(address, resources);
  const concurrency = definition.concurrency ?? 1;
  const turn: Turn = async (operations) => {
    const before = await child.ask({ order: "cpu" }, "cpu");
    const measured = await drive(operation, operations, concurrency, systemStopwatch);
    const after = await child.ask({ order: "cpu" }, "cpu");
    return { cpuUs: after.cpuUs - before.cpuUs, ...measured };
  };
  return openTurns(place.variant, turn, concurrency, pace);
}
