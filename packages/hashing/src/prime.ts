/** By trial division: O(√candidate), for sizes of tables. */
export function isPrime(candidate: number): boolean {
  if (candidate < 2) return false;
  for (let divisor = 2; divisor * divisor <= candidate; divisor++) {
    if (candidate % divisor === 0) return false;
  }
  return true;
}

/** The smallest prime that is `least` or more. */
export function primeFrom(least: number): number {
  let candidate = Math.max(2, Math.ceil(least));
  while (!isPrime(candidate)) candidate++;
  return candidate;
}
