import { type Case, OURS } from "./area.ts";
import { type Figure, figuresOf } from "./figures.ts";
import type { Played } from "./rounds.ts";
import { median, summarizeRatios } from "./statistics.ts";

/** One figure beside one peer. */
export interface Row extends Figure {
  readonly ours: number;
  readonly peer: string;
  readonly theirs: number;
  readonly isFloor: boolean;
  /** Median of the rounds' ours / theirs, with the smallest and the greatest. */
  readonly ratio: number | null;
  readonly ratioMin: number | null;
  readonly ratioMax: number | null;
  /** Rounds in which both were measured. */
  readonly rounds: number;
  /** Greatest / smallest value of the floor: how much the machine itself moved. 1 is a quiet one. */
  readonly floorSpread: number | null;
}

/** Empty when ours was never measured; a peer that failed is left out. */
export function toRows(declared: Case, { readings, failures }: Played): Row[] {
  const failed = new Set(failures.map(({ variant }) => variant));
  const { peers, floor } = declared.definition;
  const standing = Object.keys(peers).filter((peer) => !failed.has(peer) && readings.has(peer));
  if (failed.has(OURS) || !readings.has(OURS)) return [];
  return figuresOf(declared).flatMap((figure, index) => {
    const valuesOf = (name: string): number[] =>
      (readings.get(name) ?? []).map((reading) => reading[index] ?? Number.NaN);
    const ours = valuesOf(OURS);
    const floorSpread = spread(valuesOf(floor));
    return standing.map((peer) => {
      const theirs = valuesOf(peer);
      const { ratio, min, max } = summarizeRatios(ours, theirs);
      return {
        ...figure,
        ours: median(ours),
        peer,
        theirs: median(theirs),
        isFloor: peer === floor,
        ratio,
        ratioMin: min,
        ratioMax: max,
        rounds: theirs.length,
        floorSpread,
      };
    });
  });
}

function spread(values: readonly number[]): number | null {
  const least = Math.min(...values);
  return values.length > 0 && least > 0 ? Math.max(...values) / least : null;
}
