/**
 * The clock of tags of one partition, in memory: a sequence that only grows, the number at which
 * each tag was last bumped, and the floor below which nothing is remembered.
 */

export class TagClock {
  #sequence = 0;
  #floor = 0;
  readonly #bumps = new Map<string, number>();

  /** Gives the tags the next number. @returns the number. */
  bump(tags: readonly string[]): number {
    this.#sequence += 1;
    for (const tag of tags) this.#bumps.set(tag, this.#sequence);
    return this.#sequence;
  }

  read(tags: readonly string[]): {
    readonly sequence: number;
    readonly floor: number;
    readonly bumps: readonly (number | undefined)[];
  } {
    return {
      sequence: this.#sequence,
      floor: this.#floor,
      bumps: tags.map((tag) => this.#bumps.get(tag)),
    };
  }

  /** Loses every bump: the floor is from now on above every number given before. */
  forget(): void {
    this.#bumps.clear();
    this.#sequence += 1;
    this.#floor = this.#sequence;
  }
}
