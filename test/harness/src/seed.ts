import { randomInt } from "node:crypto";
import { type Random, seededRandom } from "@headroom/core/random";

/**
 * The one seed of a test process.
 *
 * All that is random in a run draws from generators of this seed, and the seed is printed: a run
 * that found something is repeated with `HEADROOM_SEED=… `. Chance in the network and the scheduler
 * is not in our hands, so a fault test repeats its choices, not its exact interleaving.
 */
export interface Seed {
  /** A 32-bit unsigned integer. */
  readonly value: number;
  /** A generator of this test alone: each call of {@link testSeed} starts the sequence anew. */
  readonly random: Random;
}

let processSeed: number | undefined;

/**
 * The seed of `HEADROOM_SEED`, or one made up and then kept for the whole process. Printed the first
 * time.
 * @throws RangeError when `HEADROOM_SEED` is not an integer from 0 to 4294967295.
 */
export function testSeed(): Seed {
  if (processSeed === undefined) {
    processSeed = readSeed(process.env["HEADROOM_SEED"]) ?? randomInt(2 ** 32);
    console.error(`seed ${processSeed} (to repeat: HEADROOM_SEED=${processSeed})`);
  }
  return { value: processSeed, random: seededRandom(processSeed) };
}

/** The number in the text of `HEADROOM_SEED`; `undefined` when it is absent or empty. */
export function readSeed(text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value < 2 ** 32)) {
    throw new RangeError(`HEADROOM_SEED must be an integer from 0 to 4294967295, got ${text}`);
  }
  return value;
}
