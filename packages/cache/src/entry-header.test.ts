import fc from "fast-check";
import { expect, test } from "vitest";
import { type EntryHeader, PlannedHeader, readHeader } from "./entry-header.ts";

const anyText = fc.oneof(fc.string(), fc.string({ unit: "binary" }), fc.constant("\ud800"));

const anyHeader: fc.Arbitrary<EntryHeader> = fc.record(
  {
    sequence: fc.maxSafeNat(),
    tags: fc.array(anyText, { maxLength: 6 }),
    storedAtMs: fc.double({ noNaN: true, noDefaultInfinity: true }),
    freshForMs: fc.double({ min: 0, noNaN: true }),
    loadMs: fc.double({ min: 0, noNaN: true }),
    validator: fc.option(anyText, { nil: undefined }),
  },
  { noNullPrototype: true },
);

function written(header: EntryHeader, from = 0): Buffer {
  const planned = new PlannedHeader(header);
  const buffer = Buffer.alloc(from + planned.size);
  planned.write(buffer, from);
  return buffer;
}

test("what is written is read, and where it ends", () => {
  fc.assert(
    fc.property(anyHeader, fc.nat(9), (header, from) => {
      const buffer = written(header, from);
      const read = readHeader(buffer, from, header.validator !== undefined);
      expect(read).toStrictEqual({ header, end: buffer.length });
    }),
    { numRuns: 500 },
  );
});

test("a text is told from no text", () => {
  const header = { sequence: 1, tags: [], storedAtMs: 0, freshForMs: 0, loadMs: 0, validator: "" };
  expect(readHeader(written(header), 0, true)?.header.validator).toBe("");
  expect(readHeader(written(header), 0, false)?.header.validator).toBeUndefined();
});

test("with two tags it has 60 bytes and their texts", () => {
  const header = {
    sequence: 1,
    tags: ["shop", "shop:user"],
    storedAtMs: 1,
    freshForMs: 1,
    loadMs: 1,
  };
  expect(written({ ...header, validator: undefined }).length).toBe(40 + 3 * 4 + 13);
});

test("bytes that were cut are no header", () => {
  const buffer = written({
    sequence: 1,
    tags: ["a", "語"],
    storedAtMs: 1,
    freshForMs: 1,
    loadMs: 1,
    validator: "v",
  });
  for (let length = 0; length < buffer.length; length++) {
    expect(readHeader(buffer.subarray(0, length), 0, true)).toBeUndefined();
  }
});

test("numbers that nobody measured are no header", () => {
  const sound = { sequence: 1, tags: [], storedAtMs: 1, freshForMs: 1, loadMs: 1 };
  for (const wrong of [
    { sequence: 0.5 },
    { sequence: Number.NaN },
    { storedAtMs: Number.POSITIVE_INFINITY },
    { freshForMs: Number.NaN },
    { freshForMs: -1 },
    { loadMs: -1 },
  ]) {
    expect(
      readHeader(written({ ...sound, validator: undefined, ...wrong }), 0, false),
    ).toBeUndefined();
  }
});

test("any bytes are a header or none, and never throw", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
      const read = readHeader(Buffer.from(bytes), 0, true);
      if (read !== undefined) expect(read.end).toBeLessThanOrEqual(bytes.length);
    }),
    { numRuns: 2000 },
  );
});
