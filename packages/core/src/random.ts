/**
 * Chance as a value that is passed in.
 *
 * Whatever is random in Headroom (jitter, P2C picks, probabilistic refresh) draws from a
 * {@link Random}, so that a test or a simulation repeats exactly from its printed seed. It is not
 * for secrets: identifiers and keys come from `node:crypto`.
 */

/** A number in [0, 1), uniformly distributed, as `Math.random`. */
export type Random = () => number;

/** The engine's own generator: fast, not repeatable. The default wherever a `random` is taken. */
export const systemRandom: Random = () => Math.random();

/**
 * A repeatable generator: the same seed gives the same sequence on every machine.
 *
 * SplitMix with 32 bits of state: one addition and one mix a number, period 2^32. Many streams of
 * one test may be seeded 1, 2, 3, …: the mix separates neighbours.
 *
 * Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014;
 * the mix is the best known one of two rounds, `skeeto/hash-prospector` issue 19.
 *
 * @param seed an integer; its low 32 bits count.
 * @throws TypeError when `seed` is no integer.
 */
export function seededRandom(seed: number): Random {
  if (!Number.isInteger(seed)) throw new TypeError(`seed must be an integer, got ${String(seed)}`);
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}
