import { isDeepStrictEqual } from "node:util";
import { isHeadroomError } from "@headroom/core/errors";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyPlainData } from "../test/plain-data.ts";
import { jsonCodec } from "./codecs/json.ts";
import type { CacheEntry } from "./local-entry.ts";
import { createValueFormat, type ValueFormatOptions } from "./value-format.ts";

const KEY = "shop:user:42";
const keys = [{ id: "k1", secret: new Uint8Array(32).fill(1) }];

function entryOf(value: unknown, more: Partial<CacheEntry> = {}): CacheEntry {
  return {
    value,
    sequence: 17,
    tags: ["shop", "shop:user", "org:7"],
    storedAtMs: 1_800_000_000_000,
    freshForMs: 271_828.18,
    loadMs: 12.5,
    validator: undefined,
    ...more,
  };
}

const formats: [name: string, options: ValueFormatOptions][] = [
  ["as it is by default", {}],
  ["that compresses all", { compression: { minBytes: 0 } }],
  ["that encrypts", { encryption: { keys } }],
  ["that compresses and encrypts", { compression: { minBytes: 0 }, encryption: { keys } }],
];

describe.each(formats)("a format %s", (_, options) => {
  const format = createValueFormat(options);

  test("gives back every entry as it was", () => {
    const anyEntry = fc.record({
      sequence: fc.maxSafeNat(),
      tags: fc.array(fc.string({ unit: "binary" }), { maxLength: 4 }),
      loadMs: fc.double({ min: 0, noNaN: true }),
      validator: fc.option(fc.string(), { nil: undefined }),
    });
    fc.assert(
      fc.property(anyPlainData, anyEntry, (value, more) => {
        const entry = entryOf(value, more);
        expect(isDeepStrictEqual(format.decode(KEY, format.encode(KEY, entry)), entry)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  test("tells what is known to be absent from null", () => {
    for (const value of [undefined, null]) {
      const entry = entryOf(value, { validator: '"etag"' });
      expect(format.decode(KEY, format.encode(KEY, entry))).toStrictEqual(entry);
    }
  });

  test("does not throw at bytes that were changed, cut or continued", () => {
    const encoded = format.encode(
      KEY,
      entryOf({ list: [1, "two", new Date(3)], text: "x".repeat(99) }),
    );
    fc.assert(
      fc.property(
        fc.nat(encoded.length - 1),
        fc.integer({ min: 1, max: 255 }),
        fc.nat(encoded.length),
        fc.uint8Array({ maxLength: 3 }),
        (at, flipped, length, more) => {
          const bytes = Buffer.concat([encoded.subarray(0, length), more]);
          if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ flipped;
          expect(() => format.decode(KEY, bytes)).not.toThrow();
        },
      ),
      { numRuns: 2000 },
    );
  });

  test("does not throw at any bytes", () => {
    const opening = fc.tuple(fc.constant(1), fc.constant(1), fc.nat(31));
    fc.assert(
      fc.property(opening, fc.uint8Array({ maxLength: 200 }), (first, rest) => {
        expect(() => format.decode(KEY, Buffer.from([...first, ...rest]))).not.toThrow();
      }),
      { numRuns: 1000 },
    );
    expect(format.decode(KEY, new Uint8Array(0))).toBeUndefined();
  });
});

describe("with encryption", () => {
  const format = createValueFormat({ encryption: { keys } });
  const entry = entryOf({ iban: "DE02 1203 0000 0000 2020 51" });

  test("no changed bit gives an entry", () => {
    const encoded = Buffer.from(format.encode(KEY, entry));
    for (let bit = 0; bit < encoded.length * 8; bit++) {
      const changed = Buffer.from(encoded);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(format.decode(KEY, changed)).toBeUndefined();
    }
  });

  test("an entry under another key is none", () => {
    expect(format.decode("shop:user:43", format.encode(KEY, entry))).toBeUndefined();
  });

  test("neither value nor tags can be read in the store", () => {
    const encoded = Buffer.from(format.encode(KEY, entry)).toString("latin1");
    expect(encoded).not.toContain("DE02");
    expect(encoded).not.toContain("org:7");
  });

  test("what is not encrypted is no entry, nor the other way round", () => {
    const plain = createValueFormat();
    expect(format.decode(KEY, plain.encode(KEY, entry))).toBeUndefined();
    expect(plain.decode(KEY, format.encode(KEY, entry))).toBeUndefined();
  });
});

describe("bytes of another kind are no entry:", () => {
  const format = createValueFormat();
  const encoded = (): Buffer => Buffer.from(format.encode(KEY, entryOf({ a: 1 })));

  test("of another version", () => {
    const bytes = encoded();
    bytes[0] = 2;
    expect(format.decode(KEY, bytes)).toBeUndefined();
  });

  test("of another codec", () => {
    const json = createValueFormat({ codec: jsonCodec() });
    expect(json.decode(KEY, encoded())).toBeUndefined();
    expect(format.decode(KEY, json.encode(KEY, entryOf({ a: 1 })))).toBeUndefined();
  });

  test("cut at any place", () => {
    const bytes = encoded();
    for (let length = 0; length < bytes.length; length++) {
      expect(format.decode(KEY, bytes.subarray(0, length))).toBeUndefined();
    }
  });

  test("of a value that is larger than the limit, or would become it", () => {
    for (const compression of [{}, false] as const) {
      const generous = createValueFormat({ compression, maxValueBytes: 2 ** 24 });
      const bytes = generous.encode(KEY, entryOf("x".repeat(2 ** 21)));
      expect(generous.decode(KEY, bytes)).toBeDefined();
      expect(format.decode(KEY, bytes)).toBeUndefined();
    }
  });
});

test("a value over the limit is refused before it is compressed", () => {
  const format = createValueFormat({ maxValueBytes: 1000 });
  let caught: unknown;
  try {
    format.encode(KEY, entryOf("x".repeat(1000)));
  } catch (error) {
    caught = error;
  }
  expect(isHeadroomError(caught, "CACHE_VALUE_TOO_LARGE")).toBe(true);
  expect(caught).toMatchObject({ bytes: 1003, maxValueBytes: 1000 });
  expect(() => format.encode(KEY, entryOf("x".repeat(997)))).not.toThrow();
});

test("values larger than 4 KiB are compressed by default, and not with false", () => {
  const entry = entryOf("text ".repeat(2000));
  expect(createValueFormat().encode(KEY, entry).length).toBeLessThan(500);
  expect(createValueFormat({ compression: false }).encode(KEY, entry).length).toBeGreaterThan(
    10_000,
  );
});

test("what the codec cannot keep is refused", () => {
  expect(() => createValueFormat().encode(KEY, entryOf({ f() {} }))).toThrow("a function at .f");
});

describe("options are checked:", () => {
  const codec = jsonCodec();
  test.each<[message: string, options: unknown]>([
    ['format: unknown option "compress", did you mean "compression"?', { compress: true }],
    ["format.codec must be an object with encode, decode", { codec: "json" }],
    ["format.codec.id must be an integer of at least 1, got 0", { codec: { ...codec, id: 0 } }],
    ["format.codec.id must be an integer from 1 to 127, got 128", { codec: { ...codec, id: 128 } }],
    ["format.maxValueBytes must be an integer of at least 1", { maxValueBytes: 0 }],
    ["compression: options must be an object", { compression: true }],
    ["encryption.keys must be an array", { encryption: {} }],
  ])("%s", (message, options) => {
    expect(() => createValueFormat(options as ValueFormatOptions)).toThrow(message);
  });
});
