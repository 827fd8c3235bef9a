import fc from "fast-check";

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

const asciiUnit = fc.integer({ min: 0, max: 0x7f });
const anyUnit = fc.integer({ min: 0, max: 0xffff });
const surrogate = fc.integer({ min: 0xd800, max: 0xdfff });

/**
 * Any string that JavaScript can hold, with the kinds that are hashed in different ways all frequent:
 * ASCII, ASCII up to one character, two- and three-byte characters, pairs and lone surrogates.
 */
export const anyText: fc.Arbitrary<string> = fc
  .oneof(
    fc.array(asciiUnit, { maxLength: 80 }),
    fc.array(fc.oneof({ arbitrary: asciiUnit, weight: 30 }, anyUnit), { maxLength: 80 }),
    fc.array(fc.oneof(asciiUnit, anyUnit, surrogate), { maxLength: 80 }),
  )
  .map((units) => String.fromCharCode(...units));

/** A text of one kind, without pattern, of exactly so many UTF-16 code units. */
export function textOf(length: number, kind: "ascii" | "mixed"): string {
  const units = Array.from({ length }, (_, index) => {
    const ascii = 0x20 + ((index * 37 + (index >> 3)) % 95);
    return kind === "mixed" && index % 1000 === 999 ? 0x2603 : ascii;
  });
  return units.map((unit) => String.fromCharCode(unit)).join("");
}

/** 1 MB of text, and what is neither a string nor bytes. */
export const MEGABYTE: number = 2 ** 20;
export const notKeys: readonly unknown[] = [
  undefined,
  null,
  42,
  42n,
  true,
  ["a"],
  { id: "a" },
  Symbol("a"),
  new ArrayBuffer(4),
  new Uint16Array(4),
];

/**
 * SMHasher's verification value of a hash: keys of 0 to 255 bytes with seeds 256 to 1, and the
 * hashes of all of them hashed once more. One number that is wrong if any length is.
 *
 * Source: aappleby/smhasher, `src/KeysetTest.cpp`, VerificationTest.
 */
export function smhasherVerification(
  hashBytes: number,
  hash: (key: Uint8Array, seed: number) => bigint,
): number {
  const key = Uint8Array.from({ length: 256 }, (_, index) => index);
  const hashes = new Uint8Array(256 * hashBytes);
  const write = (value: bigint, at: number): void => {
    for (let byte = 0; byte < hashBytes; byte++) {
      hashes[at + byte] = Number((value >> BigInt(8 * byte)) & 0xffn);
    }
  };
  for (let length = 0; length < 256; length++) {
    write(hash(key.subarray(0, length), 256 - length), length * hashBytes);
  }
  return Number(hash(hashes, 0) & 0xffffffffn);
}
