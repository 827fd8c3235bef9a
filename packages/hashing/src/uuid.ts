const bytes = new DataView(new ArrayBuffer(16));

/** The value of a hexadecimal digit by its code, in either case; -1 of other characters. */
const DIGITS: Int8Array = Int8Array.from({ length: 128 }, (_, code) =>
  "0123456789abcdef".indexOf(String.fromCharCode(code).toLowerCase()),
);

/**
 * The 16 bytes of a UUID, which the next call overwrites.
 *
 * @param uuid the form that PostgreSQL prints, `a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11`, in either case.
 * @throws TypeError when `uuid` is no string; RangeError when it has another form.
 */
export function uuidBytes(uuid: string): DataView {
  if (typeof uuid !== "string") throw new TypeError(`A UUID must be a string, got ${typeof uuid}`);
  if (uuid.length !== 36) refuse(uuid);
  let at = 0;
  let all = 0;
  for (let i = 0; i < 16; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) {
      if (uuid.charCodeAt(at) !== 0x2d) refuse(uuid);
      at += 1;
    }
    const byte = (digitAt(uuid, at) << 4) | digitAt(uuid, at + 1);
    all |= byte;
    bytes.setUint8(i, byte);
    at += 2;
  }
  if (all < 0) refuse(uuid);
  return bytes;
}

/** By a table: which characters are letters is chance, and a branch on it would be guessed wrong. */
function digitAt(uuid: string, at: number): number {
  return DIGITS[uuid.charCodeAt(at)] ?? -1;
}

/** Without showing the text: it may be the id of a session. */
function refuse(uuid: string): never {
  throw new RangeError(
    "A UUID must be 32 hexadecimal digits in groups of 8-4-4-4-12, " +
      `got ${uuid.length} other characters`,
  );
}
