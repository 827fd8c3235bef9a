/**
 * Whom a request is for: the value of its `Host` header.
 *
 * Applications build links and choose tenants by it, caches their keys. RFC 3986 would allow more
 * in it than is here (`!`, `$`, `%41`), which no registered name has and which parsers disagree about,
 * so a name is letters, digits, `-`, `.` and `_`.
 *
 * Source: RFC 9110 §7.2, RFC 3986 §3.2.2.
 */

const COLON = 0x3a;

/**
 * Whether it is `name`, `192.0.2.1` or `[2001:db8::1]`, with or without `:port`. O(length), allocates
 * nothing.
 */
export function isHost(value: string): boolean {
  let index = value.charCodeAt(0) === 0x5b ? afterLiteral(value) : afterName(value);
  if (index <= 0) return false;
  if (index === value.length) return true;
  if (value.charCodeAt(index) !== COLON || value.length > index + 6) return false;
  while (++index < value.length) if (!isDigit(value.charCodeAt(index))) return false;
  return true;
}

/** Where a name ends; 0 when there is none. */
function afterName(value: string): number {
  let index = 0;
  while (index < value.length && isNameCharacter(value.charCodeAt(index))) index++;
  return index;
}

/** Where an address in brackets ends; 0 when it is none. */
function afterLiteral(value: string): number {
  let index = 1;
  while (index < value.length && isAddressCharacter(value.charCodeAt(index))) index++;
  return index > 2 && value.charCodeAt(index) === 0x5d ? index + 1 : 0;
}

function isNameCharacter(code: number): boolean {
  const lower = code | 0x20;
  if (lower >= 0x61 && lower <= 0x7a) return true;
  return isDigit(code) || code === 0x2d || code === 0x2e || code === 0x5f; // - . _
}

function isAddressCharacter(code: number): boolean {
  const lower = code | 0x20;
  return (lower >= 0x61 && lower <= 0x66) || isDigit(code) || code === COLON || code === 0x2e;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}
