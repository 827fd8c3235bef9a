/**
 * Positions in PostgreSQL's write-ahead log.
 *
 * An LSN is 64 bits and is kept as a bigint: as a number it would lose its low bits on a server that
 * has written 8 PiB, and compare wrong in silence.
 */

export type Lsn = bigint;

const TEXT = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/;

/** `"16/B374D848"` as one number; undefined for what is no LSN. */
export function parseLsn(text: unknown): Lsn | undefined {
  const parts = typeof text === "string" ? TEXT.exec(text) : null;
  if (parts === null) return undefined;
  return (BigInt(`0x${parts[1]}`) << 32n) | BigInt(`0x${parts[2]}`);
}

export function formatLsn(lsn: Lsn): string {
  return `${(lsn >> 32n).toString(16)}/${(lsn & 0xffff_ffffn).toString(16)}`.toUpperCase();
}

const PAGE_BYTES = 8192n;
const PAGE_HEADER_BYTES = 24n;
const SEGMENT_HEADER_BYTES = 40n;

/**
 * The position up to which there is something to replay.
 *
 * When the last record ends where a page of the log ends, the primary's insert position is already
 * behind the header of the next page, which holds nothing; a replica that has replayed everything
 * stands before it and, while nobody writes, would never get there.
 *
 * @param segmentBytes `wal_segment_size`: a segment's first page has a longer header.
 */
export function endOfRecords(insertLsn: Lsn, segmentBytes: bigint): Lsn {
  if (insertLsn % segmentBytes === SEGMENT_HEADER_BYTES) return insertLsn - SEGMENT_HEADER_BYTES;
  if (insertLsn % PAGE_BYTES === PAGE_HEADER_BYTES) return insertLsn - PAGE_HEADER_BYTES;
  return insertLsn;
}
