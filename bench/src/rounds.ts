/**
 * Turns in rounds: A B C, A B C, …
 *
 * On a machine shared with others the speed of one minute is not the speed of the next. Side by side
 * in every round, all variants get the same share of good and bad moments; only ratios within a
 * round are compared. A variant that throws leaves the rounds, the others go on.
 */

/** One figure after another, in the order the case names them. */
export type Reading = readonly number[];

/** A variant that is open, warm and calibrated. */
export interface Contestant {
  readonly name: string;
  turn(): Promise<Reading>;
}

export interface Failure {
  readonly variant: string;
  readonly error: unknown;
}

export interface Played {
  /** Readings by variant, one a round. */
  readonly readings: ReadonlyMap<string, readonly Reading[]>;
  readonly failures: readonly Failure[];
}

/**
 * @param settling how many rounds come before the first that counts.
 * @param onTurn the rounds that count are numbered from 1; those before are 0 and below.
 */
export async function playRounds(
  contestants: readonly Contestant[],
  rounds: number,
  onTurn: (round: number, variant: string) => void,
  settling = 0,
): Promise<Played> {
  const readings = new Map<string, Reading[]>(contestants.map(({ name }) => [name, []]));
  const failures: Failure[] = [];
  for (let round = 1 - settling; round <= rounds; round += 1) {
    for (const { name, turn } of contestants) {
      if (failures.some((failure) => failure.variant === name)) continue;
      onTurn(round, name);
      try {
        const reading = await turn();
        if (round > 0) readings.get(name)?.push(reading);
      } catch (error) {
        failures.push({ variant: name, error });
      }
    }
  }
  return { readings, failures };
}
