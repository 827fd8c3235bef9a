import { expect, test } from "vitest";
import { isPrime, primeFrom } from "./prime.ts";

test("primes below 30", () => {
  const numbers = Array.from({ length: 31 }, (_, index) => index - 1);
  expect(numbers.filter(isPrime)).toEqual([2, 3, 5, 7, 11, 13, 17, 19, 23, 29]);
});

test("a square of a prime is not one", () => {
  expect(isPrime(257 * 257)).toBe(false);
  expect(isPrime(65_537)).toBe(true);
});

test.each([
  [-3, 2],
  [8, 11],
  [11, 11],
  [65_536, 65_537],
])("the first prime from %d on is %d", (least, prime) => {
  expect(primeFrom(least)).toBe(prime);
});
