/**
 * Tells of most names, from their hash alone, that they are none of those that matter.
 *
 * Almost every word of a statement is a table or column nobody asked about. A lexer has its hash for
 * next to nothing while it steps over the word; cutting it out of the text to look it up in sets
 * would be most of the work. The filter is a table of marks: no mark is certain, a mark is worth
 * the look-up.
 */

/** Hashes begin with this and grow by `extendedHash`. */
export const EMPTY_HASH = 5381;

export function extendedHash(hash: number, code: number): number {
  return (Math.imul(hash, 33) + code) | 0;
}

export function hashOf(name: string): number {
  let hash = EMPTY_HASH;
  for (let at = 0; at < name.length; at++) hash = extendedHash(hash, name.charCodeAt(at));
  return hash;
}

/** Places for each name, or more: one in sixteen of other names is looked up in vain. */
const PLACES_EACH = 16;

export class NameFilter {
  readonly #marks: Uint8Array;
  readonly #mask: number;

  /** What the sets hold now; names that they gain later are not seen. */
  constructor(sets: readonly Iterable<string>[]) {
    const hashes = sets.flatMap((names) => [...names].map(hashOf));
    const places = 2 ** Math.ceil(Math.log2(Math.max(hashes.length, 64) * PLACES_EACH));
    this.#marks = new Uint8Array(places);
    this.#mask = places - 1;
    for (const hash of hashes) this.#marks[this.#place(hash)] = 1;
  }

  mayHave(hash: number): boolean {
    return this.#marks[this.#place(hash)] === 1;
  }

  /** The upper half of a hash is the better mixed one. */
  #place(hash: number): number {
    return (hash ^ (hash >>> 15)) & this.#mask;
  }
}
