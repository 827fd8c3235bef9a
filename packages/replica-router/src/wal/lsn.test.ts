import fc from "fast-check";
import { expect, test } from "vitest";
import { endOfRecords, formatLsn, parseLsn } from "./lsn.ts";

const MIB = 1024n * 1024n;

test("an LSN's text is two halves in hexadecimal", () => {
  expect(parseLsn("16/B374D848")).toBe(0x16_b374d848n);
  expect(parseLsn("FFFFFFFF/FFFFFFFF")).toBe(2n ** 64n - 1n);
  expect(parseLsn("0/0")).toBe(0n);
});

test.each([undefined, null, 5, "", "16", "16/", "g/1", "123456789/0", "1/2/3"])(
  "%o is none",
  (text) => expect(parseLsn(text)).toBeUndefined(),
);

test("what was written is read again", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (lsn) => {
      expect(parseLsn(formatLsn(lsn))).toBe(lsn);
    }),
  );
});

test("the header of an empty page is nothing to wait for", () => {
  const segment = 16n * MIB;
  expect(endOfRecords(5n * segment + 3n * 8192n + 24n, segment)).toBe(5n * segment + 3n * 8192n);
  expect(endOfRecords(5n * segment + 40n, segment)).toBe(5n * segment);
});

test("a record inside a page is", () => {
  const segment = 16n * MIB;
  for (const within of [0n, 25n, 40n, 8191n]) {
    const lsn = 5n * segment + 3n * 8192n + within;
    expect(endOfRecords(lsn, segment)).toBe(lsn);
  }
  // The first page of a segment starts with a long header; 24 is inside of it.
  expect(endOfRecords(5n * segment + 24n, 64n * MIB)).toBeLessThanOrEqual(5n * segment + 24n);
});
