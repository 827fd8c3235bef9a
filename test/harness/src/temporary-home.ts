import { statfsSync } from "node:fs";
import { tmpdir } from "node:os";

const MEMORY = "/dev/shm";
/** The servers of several test files live there at a time. A container's usual 64 MiB are too few. */
const ENOUGH_BYTES = 4 * 1024 ** 3;

/**
 * The folder for the files of a run: a disk in memory where there is a large one, unless TMPDIR says
 * where temporary files go.
 *
 * A fresh PostgreSQL database is hundreds of files, and ext4 looks long for inodes when as many were
 * deleted a moment ago: it was half of what the tests cost. Servers never sync here (`fsync: "off"`),
 * so a disk would keep nothing more.
 */
export function temporaryHome(): string {
  if (process.env["TMPDIR"] !== undefined) return tmpdir();
  try {
    const { blocks, bsize } = statfsSync(MEMORY);
    return blocks * bsize >= ENOUGH_BYTES ? MEMORY : tmpdir();
  } catch {
    return tmpdir();
  }
}
