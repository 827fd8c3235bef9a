import type { Better, Case } from "./area.ts";

/** One number of a case, told apart by a part of its name. */
export interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly better: Better;
}

const PROCESS_FIGURES: readonly Figure[] = [
  { name: "cpu", unit: "CPU µs/op", better: "lower" },
  { name: "rate", unit: "ops/s", better: "higher" },
  { name: "p50", unit: "µs", better: "lower" },
  { name: "p99", unit: "µs", better: "lower" },
];

/** Where a case's name wants the figure's: "proxy/{figure}/get"; without it, at the end. */
const PLACE = "{figure}";

/** The figures of a case under their full names, in the order of its readings. */
export function figuresOf(declared: Case): readonly Figure[] {
  const { name } = declared;
  switch (declared.kind) {
    case "micro":
      return [{ name, unit: "ns/op", better: "lower" }];
    case "figure":
      return [{ name, unit: declared.definition.unit, better: declared.definition.better }];
    case "figures":
      return Object.entries(declared.definition.figures).map(([own, figure]) => ({
        ...figure,
        name: fullName(name, own),
      }));
    case "client":
    case "server":
      return PROCESS_FIGURES.map((figure) => ({ ...figure, name: fullName(name, figure.name) }));
    default:
      return declared satisfies never;
  }
}

function fullName(caseName: string, figure: string): string {
  return caseName.includes(PLACE) ? caseName.replace(PLACE, figure) : `${caseName}/${figure}`;
}
