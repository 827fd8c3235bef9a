import { startPostgres, testSeed, useServers } from "@headroom/harness";
import {
  hashint4,
  hashint4extended,
  hashint8,
  hashint8extended,
  hashtext,
  hashtextextended,
  uuidHash,
  uuidHashExtended,
} from "@headroom/hashing";
import { expect, test } from "vitest";

/** A live PostgreSQL is the oracle: thousands of random values a run, each hash bit for bit. */

const postgres = useServers(() => startPostgres());
const { random } = testSeed();
const COUNT = 3000;

const below = (limit: number): number => Math.floor(random() * limit);
const many = <T>(make: (index: number) => T): T[] =>
  Array.from({ length: COUNT }, (_, index) => make(index));

/** By how many bytes a character takes; PostgreSQL's text holds neither NUL nor lone surrogates. */
const CHARACTERS: readonly (readonly [from: number, to: number])[] = [
  [0x1, 0x7f],
  [0x80, 0x7ff],
  [0x800, 0xd7ff],
  [0xe000, 0xfffd],
  [0x10000, 0x10ffff],
];

/** Half of them ASCII alone, and every length from 0 to 59. */
function randomText(index: number): string {
  const isAscii = index % 2 === 0;
  const character = (): string => {
    const [from, to] = CHARACTERS[isAscii ? 0 : below(CHARACTERS.length)] ?? [1, 0x7f];
    return String.fromCodePoint(from + below(to - from + 1));
  };
  return Array.from({ length: (index >> 1) % 60 }, character).join("");
}

function randomInt64(): bigint {
  const word = (): bigint => BigInt(below(2 ** 32));
  // Small ones too: their upper half is all zeros or all ones.
  const shift = BigInt(below(64));
  return BigInt.asIntN(64, (word() << 32n) | word()) >> shift;
}

/** What the server says: the 32-bit hash and the seeded 64-bit one, of each value. */
async function ask(
  type: string,
  short: string,
  long: string,
  values: readonly string[],
  seed: bigint,
) {
  const rows = await postgres().primary.query<{ short: number; long: string }>(
    `SELECT ${short}(v) AS short, ${long}(v, $2)::text AS long
       FROM unnest($1::text[]) WITH ORDINALITY AS given(raw, position), LATERAL (SELECT raw::${type} AS v) AS typed
      ORDER BY position`,
    [values, String(seed)],
  );
  return rows.map((row) => [row.short, BigInt(row.long)]);
}

test.each([0n, 1n, -1n, 0x1234_5678_9abc_def0n])("text and its seed %d", async (seed) => {
  const values = many(randomText);
  const ours = values.map((value) => [hashtext(value), hashtextextended(value, seed)]);
  expect(ours).toEqual(await ask("text", "hashtext", "hashtextextended", values, seed));
});

test.each([0n, 42n])("int8 and its seed %d", async (seed) => {
  const values = [0n, 1n, -1n, 2n ** 63n - 1n, -(2n ** 63n), ...many(randomInt64)];
  const ours = values.map((value) => [hashint8(value), hashint8extended(value, seed)]);
  expect(ours).toEqual(await ask("int8", "hashint8", "hashint8extended", values.map(String), seed));
});

test.each([0n, 42n])("int4 and its seed %d", async (seed) => {
  const values = [
    0,
    1,
    -1,
    2 ** 31 - 1,
    -(2 ** 31),
    ...many(() => Math.floor(random() * 2 ** 32) - 2 ** 31),
  ];
  const ours = values.map((value) => [hashint4(value), hashint4extended(value, seed)]);
  expect(ours).toEqual(await ask("int4", "hashint4", "hashint4extended", values.map(String), seed));
});

test.each([0n, 42n])("uuid and its seed %d", async (seed) => {
  const hex = (): string => below(16).toString(16);
  const values = many(() => "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx".replaceAll("x", hex));
  const ours = values.map((value) => [uuidHash(value), uuidHashExtended(value, seed)]);
  expect(ours).toEqual(await ask("uuid", "uuid_hash", "uuid_hash_extended", values, seed));
});

test("the low bits of a short hash are the bucket that the server computes from the long one", async () => {
  const values = many(randomText);
  const rows = await postgres().primary.query<{ bucket: number }>(
    `SELECT (hashtextextended(v, 0) & 4095)::int AS bucket
       FROM unnest($1::text[]) WITH ORDINALITY AS given(v, position) ORDER BY position`,
    [values],
  );
  expect(values.map((value) => hashtext(value) & 4095)).toEqual(rows.map((row) => row.bucket));
});
