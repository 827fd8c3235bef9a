/**
 * Whether bytes consist of what our encoder writes, before msgpackr is let loose on them.
 *
 * msgpackr reads more than we write: errors and regular expressions, extensions that the
 * application has registered, names of properties that are numbers of a million digits, and bundled
 * strings, which make it read the same megabyte again for every few bytes. Whoever can write to the
 * store should get none of that. A token of MessagePack
 * tells its own length and containers are followed by their members, so one pass without a stack
 * sees every token. Source: the MessagePack specification, "Formats".
 */

/** The extensions of our values, by their type. */
const EXTENSIONS = new Set([
  0x00, // undefined
  0x42, // BigInt
  0x69, // what is referred to
  0x70, // reference
  0x73, // Set
  0x74, // typed array
  0xff, // Date
]);

const FIXEXT_1 = 0xd4;
const FIXEXT_4 = 0xd6;
/** With `FIXEXT_1`: the shape of objects, whose names follow as a list. */
const SHAPE = 0x72;
const REFERRED_TO = 0x69;
const REFERENCE = 0x70;

/** How many bytes follow the token itself, for tokens of one size; at 0xc0 + index. */
const NEVER = -1;
const LENGTH_8 = -2;
const LENGTH_16 = -3;
const LENGTH_32 = -4;
const EXTENSION = -5;
// biome-ignore format: a table
const FOLLOWING = [
  0, NEVER, 0, 0, LENGTH_8, LENGTH_16, LENGTH_32, EXTENSION,
  EXTENSION, EXTENSION, 4, 8, 1, 2, 4, 8,
  1, 2, 4, 8, EXTENSION, EXTENSION, EXTENSION, EXTENSION,
  EXTENSION, LENGTH_8, LENGTH_16, LENGTH_32, 2, 4, 2, 4,
];

/** Also false when the last token is cut off. O(tokens). */
export function hasKnownTokens(bytes: Buffer): boolean {
  let at = 0;
  while (at < bytes.length) {
    const token = bytes[at] ?? 0;
    if (token < 0xa0 || token >= 0xe0) at += 1;
    else if (token < 0xc0) at += 1 + (token & 0x1f);
    else at = afterToken(bytes, at, token);
    if (at < 0) return false;
  }
  return at === bytes.length;
}

/** Where the next token is; negative when this one is none of ours. */
function afterToken(bytes: Buffer, at: number, token: number): number {
  const following = FOLLOWING[token - 0xc0] ?? NEVER;
  if (following >= 0) return at + 1 + following;
  switch (following) {
    case LENGTH_8:
      return at + 2 + bigEndian(bytes, at + 1, 1);
    case LENGTH_16:
      return at + 3 + bigEndian(bytes, at + 1, 2);
    case LENGTH_32:
      return at + 5 + bigEndian(bytes, at + 1, 4);
    case EXTENSION:
      return afterExtension(bytes, at, token);
    default:
      return NEVER;
  }
}

/** `ext 8`, `16` and `32` have a length before their type; `fixext` have 1, 2, 4, 8 or 16 bytes. */
function afterExtension(bytes: Buffer, at: number, token: number): number {
  if (token === FIXEXT_1 && bytes[at + 1] === SHAPE) return afterNames(bytes, at + 3);
  const isFixed = token >= FIXEXT_1;
  const sizeBytes = isFixed ? 0 : 2 ** (token - 0xc7);
  const length = isFixed ? 2 ** (token - FIXEXT_1) : bigEndian(bytes, at + 1, sizeBytes);
  const type = bytes[at + 1 + sizeBytes] ?? 0;
  return EXTENSIONS.has(type) ? at + 2 + sizeBytes + length : NEVER;
}

/** The names are a list of texts; it may be referred to, or be a reference itself. */
function afterNames(bytes: Buffer, from: number): number {
  let at = from;
  if (bytes[at] === FIXEXT_4 && bytes[at + 1] === REFERRED_TO) at += 6;
  if (bytes[at] === FIXEXT_4 && bytes[at + 1] === REFERENCE) return at + 6;
  const token = bytes[at] ?? 0;
  const sizeBytes = token === 0xdc ? 2 : token === 0xdd ? 4 : 0;
  if (sizeBytes === 0 && token >> 4 !== 0x9) return NEVER;
  let names = sizeBytes === 0 ? token & 0x0f : bigEndian(bytes, at + 1, sizeBytes);
  at += 1 + sizeBytes;
  for (; names > 0 && at < bytes.length; names--) {
    const name = bytes[at] ?? 0;
    if (name >= 0xa0 && name < 0xc0) at += 1 + (name & 0x1f);
    else if (name >= 0xd9 && name <= 0xdb) at = afterToken(bytes, at, name);
    else return NEVER;
  }
  return at;
}

function bigEndian(bytes: Buffer, from: number, count: number): number {
  let number = 0;
  for (let index = from; index < from + count; index++) number = number * 256 + (bytes[index] ?? 0);
  return number;
}
