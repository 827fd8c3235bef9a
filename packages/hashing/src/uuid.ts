const bytes = new Uint8Array(16);

/**
 * The 16 bytes of a UUID, in an array that the next call overwrites.
 *
 * @param uuid the form that PostgreSQL prints, `a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11`, in either case.
 * @throws TypeError when `uuid` is no string; RangeError when it has another form.
 */
export function uuidBytes(uuid: string): Uint8Array {
  if (typeof uuid !== "string") throw new TypeError(`A UUID must be a string, got ${typeof uuid}`);
  if (uuid.length !== 36) refuse(uuid);
  let at = 0;
  for (let i = 0; i < 16; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) {
      if (uuid.charCodeAt(at) !== 0x2d) refuse(uuid);
      at += 1;
    }
    const byte = (hexDigit(uuid.charCodeAt(at)) << 4) | hexDigit(uuid.charCodeAt(at + 1));
    if (byte < 0) refuse(uuid);
    bytes[i] = byte;
    at += 2;
  }
  return bytes;
}

/** The value of a hexadecimal digit; -1 for any other character. */
function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

function refuse(uuid: string): never {
  const shown = uuid.length > 50 ? `${uuid.length} characters` : JSON.stringify(uuid);
  throw new RangeError(
    `A UUID must be 32 hexadecimal digits in groups of 8-4-4-4-12, got ${shown}`,
  );
}
