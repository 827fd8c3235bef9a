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
 * SplitMix32, the 32-bit form of Steele, Lea and Flood, "Fast splittable pseudorandom number
 * generators", OOPSLA 2014, with the mixing constants of Chris Wellons' hash-prospector
 * (triple32 family): one add and one mix a number, period 2^32.
 *
 * @param seed an integer; its low 32 bits count.
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
