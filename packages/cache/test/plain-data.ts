/** Values and bytes for tests of codecs. */

import fc from "fast-check";
import { Packr } from "msgpackr";

// Half of a surrogate pair is not Unicode: it survives as a value, but not in keys.
const HALF_PAIR = /\p{Surrogate}/u;

const texts = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: "grapheme", maxLength: 200 }),
  fc.constantFrom("\ud800", "x\udc00", "toJSON", "constructor", "valueOf"),
);

const names = fc
  .oneof(fc.string({ unit: "binary" }), fc.constantFrom("a", "b", "c", "constructor", "length"))
  .filter((name) => name !== "__proto__" && name !== "__keys__" && !HALF_PAIR.test(name));

const leaves = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double(),
  fc.constantFrom(-0, Number.NaN, undefined, null, true, false),
  texts,
  fc.bigInt(),
  fc.bigInt({ min: -(2n ** 300n), max: 2n ** 300n }),
  fc.date({ noInvalidDate: false }),
  fc.uint8Array({ maxLength: 300 }),
  fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
  fc.float64Array({ maxLength: 5 }),
  fc.bigInt64Array({ maxLength: 5 }),
  fc.int16Array({ maxLength: 5 }),
);

const wellFormed = (value: unknown): boolean => typeof value !== "string" || !HALF_PAIR.test(value);

/** Whatever a cached value may consist of; some objects in several places, some in themselves. */
export const anyPlainData: fc.Arbitrary<unknown> = fc
  .tuple(
    fc.letrec<{ any: unknown }>((tie) => ({
      any: fc.oneof(
        { depthSize: "small", withCrossShrink: true },
        leaves,
        fc.array(tie("any"), { maxLength: 8 }),
        fc.dictionary(names, tie("any"), { maxKeys: 8, noNullPrototype: true }),
        fc.array(tie("any").filter(wellFormed), { maxLength: 5 }).map((all) => new Set(all)),
        fc
          .array(fc.tuple(tie("any").filter(wellFormed), tie("any")), { maxLength: 5 })
          .map((all) => new Map(all)),
      ),
    })).any,
    fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 3 }),
  )
  .map(([value, links]) => {
    const containers = containersOf(value);
    for (const [from, to] of links) {
      const container = containers[from % containers.length];
      const target = containers[to % containers.length];
      if (Array.isArray(container)) container.push(target);
      else if (container instanceof Map) container.set(target, target);
      else if (container instanceof Set) container.add(target);
      else if (container !== undefined) Reflect.set(container, "link", target);
    }
    return value;
  });

function containersOf(value: unknown, found: object[] = []): object[] {
  if (typeof value !== "object" || value === null) return found;
  if (ArrayBuffer.isView(value) || value instanceof Date || found.includes(value)) return found;
  found.push(value);
  const members =
    value instanceof Map
      ? [...value].flat()
      : Object.values(value instanceof Set ? [...value] : value);
  for (const member of members) containersOf(member, found);
  return found;
}

const packr = new Packr({ structuredClone: true, moreTypes: true });

/** Encodings with a few bytes changed, and bytes that look like the beginning of one. */
export const anyBytes: fc.Arbitrary<Buffer> = fc.oneof(
  fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
  fc
    .array(
      fc.constantFrom(
        0x91,
        0x92,
        0x81,
        0xa1,
        0xc1,
        0xc7,
        0xd4,
        0xd6,
        0x72,
        0x40,
        0x73,
        0x69,
        0x70,
        0,
        1,
      ),
      { maxLength: 60 },
    )
    .map((bytes) => Buffer.from(bytes)),
  fc
    .tuple(anyPlainData, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }), fc.boolean())
    .map(([value, changes, amended]) => {
      const bytes = Buffer.concat([Buffer.from(amended ? [0xc1] : []), packr.pack(value)]);
      for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
      return bytes;
    }),
);
