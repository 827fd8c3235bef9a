/**
 * 64-bit integers as two int32 halves: what hashes are computed in, because BigInt costs more an
 * operation than a whole 32-bit hash.
 */

/** The low half, an int32, of an integer taken modulo 2^64. */
export function lowHalf(value: bigint | number): number {
  return typeof value === "number" ? value | 0 : Number(BigInt.asIntN(32, value));
}

/** The high half, an int32, of an integer taken modulo 2^64. */
export function highHalf(value: bigint | number): number {
  return typeof value === "number"
    ? Math.floor(value / 2 ** 32) | 0
    : Number(BigInt.asIntN(32, value >> 32n));
}

const view = new DataView(new ArrayBuffer(8));

/** The halves as one integer from -2^63 to 2^63 - 1. */
export function toInt64(low: number, high: number): bigint {
  view.setInt32(0, low, true);
  view.setInt32(4, high, true);
  return view.getBigInt64(0, true);
}

/** The halves as one integer from 0 to 2^64 - 1. */
export function toUint64(low: number, high: number): bigint {
  view.setInt32(0, low, true);
  view.setInt32(4, high, true);
  return view.getBigUint64(0, true);
}

/** Bits 32 to 63 of the product of two uint32: `Math.imul` gives the others. */
export function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const cross = Math.imul(aHigh, bLow);
  const otherCross = Math.imul(aLow, bHigh);
  const middle = (Math.imul(aLow, bLow) >>> 16) + (cross & 0xffff) + (otherCross & 0xffff);
  return (Math.imul(aHigh, bHigh) + (cross >>> 16) + (otherCross >>> 16) + (middle >>> 16)) | 0;
}
