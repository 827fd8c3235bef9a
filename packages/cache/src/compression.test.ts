import { deflateRawSync } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createCompression, decompress } from "./compression.ts";

const repeated = Buffer.from("a text that repeats itself. ".repeat(200));

test("what is compressed is smaller, and itself again", () => {
  const compressed = createCompression().compress(repeated);
  expect(compressed?.length).toBeLessThan(repeated.length / 10);
  expect(Buffer.from(decompress(compressed ?? Buffer.alloc(0), repeated.length))).toEqual(repeated);
});

test("any bytes come back as they were", () => {
  const { compress } = createCompression({ minBytes: 0 });
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 50 }),
      fc.integer({ min: 1, max: 20 }),
      (piece, times) => {
        const bytes = Buffer.concat(Array(times).fill(piece));
        const compressed = compress(bytes);
        if (compressed !== undefined)
          expect(Buffer.from(decompress(compressed, 1000))).toEqual(bytes);
      },
    ),
  );
});

test("small values are left alone, below the size that is given", () => {
  expect(createCompression().compress(Buffer.alloc(4095))).toBeUndefined();
  expect(createCompression().compress(Buffer.alloc(4096))).toBeDefined();
  expect(createCompression({ minBytes: 10 }).compress(Buffer.alloc(100))).toBeDefined();
});

test("what does not become smaller stays as it is", () => {
  const compressed = createCompression().compress(repeated) ?? Buffer.alloc(0);
  expect(createCompression({ minBytes: 0 }).compress(compressed)).toBeUndefined();
});

test("a small piece that claims to be a large one is an error before it is large", () => {
  const bomb = deflateRawSync(Buffer.alloc(100_000_000));
  expect(bomb.length).toBeLessThan(100_000);
  expect(() => decompress(bomb, 1_000_000)).toThrow("Cannot create a Buffer larger than");
});

test("bytes that are not compressed are an error", () => {
  expect(() => decompress(Buffer.from("plain"), 1000)).toThrow();
  expect(() => decompress(Buffer.alloc(0), 1000)).toThrow();
});

test("options are checked", () => {
  expect(() => createCompression({ minbytes: 1 } as object)).toThrow('did you mean "minBytes"');
  expect(() => createCompression({ minBytes: -1 })).toThrow("compression.minBytes must be");
});
