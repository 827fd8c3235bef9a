import { styleText } from "node:util";
import type { Row } from "./rows.ts";

/** From here on a floor has moved too much between rounds to trust more than the ratios. */
const RESTLESS = 1.5;

/** The area as a table, one line for each figure and peer. */
export function formatTable(area: string, rows: readonly Row[]): string {
  const header = ["case", "ours", "peer", "theirs", "unit", "ratio", "(min … max)", "better"];
  const lines = [header, ...rows.map(cells)];
  const widths = header.map((_, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0)),
  );
  const [first, ...rest] = lines.map((line) =>
    line
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return NUMERIC.has(header[column] ?? "") ? cell.padStart(width) : cell.padEnd(width);
      })
      .join("  ")
      .trimEnd(),
  );
  const restless = rows.some(isRestless)
    ? [`  ~ the floor moved by more than ${RESTLESS} times between rounds: a busy machine`]
    : [];
  const title = styleText("bold", area);
  return [title, styleText("dim", first ?? ""), ...rest, ...restless, ""].join("\n");
}

const NUMERIC = new Set(["ours", "theirs", "ratio"]);

function cells(row: Row): string[] {
  return [
    row.name,
    formatNumber(row.ours),
    row.isFloor ? `${row.peer} (floor)` : row.peer,
    formatNumber(row.theirs),
    row.unit,
    `${isRestless(row) ? "~" : ""}${formatRatio(row.ratio)}`,
    `(${formatRatio(row.ratioMin)} … ${formatRatio(row.ratioMax)})`,
    row.better,
  ];
}

function isRestless(row: Row): boolean {
  return row.floorSpread !== null && row.floorSpread > RESTLESS;
}

/** Three digits that mean something, thousands apart. */
export function formatNumber(value: number): string {
  const digits = Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3));
  return digits.toLocaleString("en-US", { maximumSignificantDigits: 12 });
}

function formatRatio(ratio: number | null): string {
  if (ratio === null) return "-";
  return ratio >= 10 ? ratio.toFixed(1) : ratio >= 0.1 ? ratio.toFixed(2) : ratio.toPrecision(2);
}
