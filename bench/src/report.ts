import { writeFileSync } from "node:fs";
import { UsageError } from "./arguments.ts";
import type { Environment } from "./environment.ts";
import type { Row } from "./rows.ts";

/** One object of the `--json` file. */
export interface ReportedFigure {
  readonly area: string;
  readonly case: string;
  readonly ours: number;
  readonly peer: string;
  readonly theirs: number;
  readonly unit: string;
  readonly better: "lower" | "higher";
  /** Median over the rounds of ours / theirs; null when theirs is 0. */
  readonly ratio: number | null;
  readonly ratioMin: number | null;
  readonly ratioMax: number | null;
  readonly rounds: number;
  readonly floor: boolean;
  readonly floorSpread: number | null;
  readonly quick: boolean;
  readonly environment: Environment;
}

export function toReported(
  area: string,
  row: Row,
  environment: Environment,
  quick: boolean,
): ReportedFigure {
  return {
    area,
    case: row.name,
    ours: significant(row.ours),
    peer: row.peer,
    theirs: significant(row.theirs),
    unit: row.unit,
    better: row.better,
    ratio: row.ratio === null ? null : significant(row.ratio),
    ratioMin: row.ratioMin === null ? null : significant(row.ratioMin),
    ratioMax: row.ratioMax === null ? null : significant(row.ratioMax),
    rounds: row.rounds,
    floor: row.isFloor,
    floorSpread: row.floorSpread === null ? null : significant(row.floorSpread),
    quick,
    environment,
  };
}

/** @throws UsageError when the file cannot be written: asked before the run, not after an hour. */
export function writeReport(file: string, figures: readonly ReportedFigure[]): void {
  try {
    writeFileSync(file, `${JSON.stringify(figures, null, 2)}\n`);
  } catch (error) {
    throw new UsageError(`Cannot write --json ${file}: ${(error as Error).message}`);
  }
}

/** No benchmark knows more than four digits. */
function significant(value: number): number {
  return Number(value.toPrecision(4));
}
