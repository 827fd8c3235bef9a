/**
 * A text as an array of its UTF-16 units, for reading it one by one.
 *
 * Texts that were put together from parts are trees to V8, and every `charCodeAt` finds its way
 * through one anew. Copying the text first is one call for all of it.
 */

let bytes = Buffer.alloc(16_384);
let units = viewOf(bytes);

/** How many zeros follow the text: so far may be read past its end. */
const ZEROS = 3;

/**
 * The units of the text, then zeros. Holds until the next call, which writes over it.
 *
 * Units are little-endian; on a machine that is not, letters are no ASCII and no statement is a read.
 */
export function unitsOf(text: string): Uint16Array {
  const { length } = text;
  if (length + ZEROS > units.length) {
    bytes = Buffer.alloc(2 ** Math.ceil(Math.log2(length + ZEROS)) * 2);
    units = viewOf(bytes);
  }
  bytes.write(text, "utf16le");
  units.fill(0, length, length + ZEROS);
  return units;
}

function viewOf({ buffer, byteOffset, byteLength }: Buffer): Uint16Array {
  return new Uint16Array(buffer, byteOffset, byteLength / 2);
}
