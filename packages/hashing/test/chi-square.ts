/**
 * How far counts are from what chance would give: Pearson's chi-square, and the bound it stays
 * under 9,999 times in 10,000 when nothing but chance is at work.
 */

/** Σ (observed − expected)² / expected. */
export function chiSquare(observed: readonly number[], expected: readonly number[]): number {
  return observed.reduce((sum, count, index) => {
    const mean = expected[index] as number;
    return sum + (count - mean) ** 2 / mean;
  }, 0);
}

/** The 99.99 % quantile for `degrees` degrees of freedom, by the approximation of Wilson and Hilferty. */
export function chiSquareBound(degrees: number): number {
  const z = 3.719;
  const spread = 2 / (9 * degrees);
  return degrees * (1 - spread + z * Math.sqrt(spread)) ** 3;
}

/** `count` keys of 20 characters, the same in each run (mulberry32). */
export function randomKeys(count: number, seed: number): readonly string[] {
  let state = seed;
  const digits = "0123456789abcdefghijklmnopqrstuv";
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  return Array.from({ length: count }, () =>
    Array.from({ length: 20 }, () => digits.charAt(next() >>> 27)).join(""),
  );
}

/** `user:1`, `user:2`, … */
export function sequentialKeys(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `user:${index + 1}`);
}
