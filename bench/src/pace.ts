/** How long a benchmark looks. */
export interface Pace {
  /** Turns of every variant. */
  readonly rounds: number;
  /** How long a turn should take. */
  readonly turnMs: number;
  /** How long a variant runs before anything is measured, so that it is compiled and connected. */
  readonly warmUpMs: number;
}

/** For figures that go into a document. */
export const FULL: Pace = { rounds: 9, turnMs: 400, warmUpMs: 1_000 };

/** For a first look: right to about a fifth. */
export const QUICK: Pace = { rounds: 3, turnMs: 100, warmUpMs: 250 };
