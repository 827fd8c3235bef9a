import type { Case, ClientCase, ServerCase } from "./area.ts";
import { OURS } from "./area.ts";
import { openFigure, openFigures } from "./figure-case.ts";
import type { Lifetime } from "./lifetime.ts";
import { openMicro } from "./micro-case.ts";
import type { Pace } from "./pace.ts";
import { openClient, openServer, SETTLING_ROUNDS, type VariantPlace } from "./process-case.ts";
import { type Contestant, type Failure, playRounds } from "./rounds.ts";
import { type Row, toRows } from "./rows.ts";
import type { Stopwatch } from "./stopwatch.ts";
import { namedVariants } from "./variants.ts";

/** What a run gives to every case. */
export interface Run {
  readonly pace: Pace;
  readonly stopwatch: Stopwatch;
  readonly lifetime: Lifetime;
  /** One line on what is happening now. */
  readonly progress: (line: string) => void;
}

export interface CaseResult {
  readonly rows: readonly Row[];
  readonly failures: readonly Failure[];
}

/** How one variant of a case is opened. */
interface Opener {
  readonly variant: string;
  open(): Promise<Contestant> | Contestant;
}

/** Opens all variants, plays the rounds, closes everything; whatever fails is in the result. */
export async function runCase(declared: Case, areaFile: string, run: Run): Promise<CaseResult> {
  const failures: Failure[] = [];
  let rows: readonly Row[] = [];
  try {
    await run.lifetime.within(async (resources) => {
      run.progress(`${declared.name} · setup`);
      const openers = await openersOf(declared, areaFile, run, resources);
      const contestants = await openAll(openers, failures, (variant) =>
        run.progress(`${declared.name} · warm-up · ${variant}`),
      );
      if (!contestants.some(({ name }) => name === OURS)) return;
      const rounds = roundsOf(declared, run.pace);
      const settling =
        declared.kind === "client" || declared.kind === "server" ? SETTLING_ROUNDS : 0;
      const onTurn = (round: number, variant: string): void => {
        const where = round > 0 ? `round ${round}/${rounds}` : "settling";
        run.progress(`${declared.name} · ${where} · ${variant}`);
      };
      const played = await playRounds(contestants, rounds, onTurn, settling);
      failures.push(...played.failures);
      rows = toRows(declared, played);
    });
  } catch (error) {
    failures.push({ variant: "setup or close", error });
  }
  return { rows, failures };
}

async function openAll(
  openers: readonly Opener[],
  failures: Failure[],
  onOpen: (variant: string) => void,
): Promise<Contestant[]> {
  const contestants: Contestant[] = [];
  for (const { variant, open } of openers) {
    onOpen(variant);
    try {
      contestants.push(await open());
    } catch (error) {
      failures.push({ variant, error });
    }
  }
  return contestants;
}

async function openersOf(
  declared: Case,
  areaFile: string,
  run: Run,
  resources: AsyncDisposableStack,
): Promise<Opener[]> {
  const { pace, stopwatch } = run;
  switch (declared.kind) {
    case "micro":
      return namedVariants(declared.definition).map(([name, variant]) => ({
        variant: name,
        open: () => openMicro(name, variant, pace, stopwatch, resources),
      }));
    case "figure": {
      const shared = await declared.definition.setup?.(resources);
      return namedVariants(declared.definition).map(([name, variant]) => ({
        variant: name,
        open: () => openFigure(name, variant, shared, run),
      }));
    }
    case "figures": {
      const figures = Object.keys(declared.definition.figures);
      const shared = await declared.definition.setup?.(resources);
      return namedVariants(declared.definition).map(([name, variant]) => ({
        variant: name,
        open: () => openFigures(name, variant, figures, shared, run),
      }));
    }
    case "client":
      return processOpeners(declared.name, declared.definition, areaFile, resources, (...at) =>
        openClient(...at, pace, resources),
      );
    case "server":
      return processOpeners(declared.name, declared.definition, areaFile, resources, (...at) =>
        openServer(...at, pace, resources),
      );
    default:
      return declared satisfies never;
  }
}

async function processOpeners<
  Definition extends ClientCase<unknown> | ServerCase<unknown, unknown>,
>(
  caseName: string,
  definition: Definition,
  areaFile: string,
  resources: AsyncDisposableStack,
  open: (place: VariantPlace, definition: Definition, shared: unknown) => Promise<Contestant>,
): Promise<Opener[]> {
  const shared = await definition.setup?.(resources);
  return [OURS, ...Object.keys(definition.peers)].map((variant) => ({
    variant,
    open: () => open({ areaFile, caseName, variant }, definition, shared),
  }));
}

function roundsOf(declared: Case, pace: Pace): number {
  const { kind, definition } = declared;
  return kind === "figure" || kind === "figures" ? (definition.rounds ?? 1) : pace.rounds;
}
