import type { Better, Case } from "./area.ts";

/** One number of a case, told apart by a suffix to the case's name. */
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

/** The figures of a case under their full names, in the order of its readings. */
export function figuresOf(declared: Case): readonly Figure[] {
  const { name } = declared;
  switch (declared.kind) {
    case "micro":
      return [{ name, unit: "ns/op", better: "lower" }];
    case "figure":
      return [{ name, unit: declared.definition.unit, better: declared.definition.better }];
    case "client":
    case "server":
      return PROCESS_FIGURES.map((figure) => ({ ...figure, name: `${name}/${figure.name}` }));
    default:
      return declared satisfies never;
  }
}
