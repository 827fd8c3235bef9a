/** How long a benchmark looks. */
export interface Pace {
  /** Turns of every variant. */
  readonly rounds: number;
  /** How long a turn should take. */
  readonly turnMs: number;
  /** How long a variant runs before anything is measured, so that it is compiled and connected. */
  readonly warmUpMs: number;
  /** How long an open loop sends. */
  readonly openLoopMs: number;
}

export interface Paces {
  /** For figures that go into a document. */
  readonly full: Pace;
  /** For a first look: right to about a fifth. */
  readonly quick: Pace;
}

export const PACES: Paces = {
  full: { rounds: 9, turnMs: 400, warmUpMs: 1_000, openLoopMs: 6_000 },
  quick: { rounds: 3, turnMs: 100, warmUpMs: 250, openLoopMs: 2_000 },
};
