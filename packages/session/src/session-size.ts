/** A session is read with every request that uses it: it may not grow without end. */

import { SessionError } from "./errors.ts";
import type { Fields } from "./store.ts";

/** @throws SessionError `SESSION_TOO_LARGE`, naming the largest field. */
export function requireWithin(maxBytes: number, fields: Fields): void {
  let total = 0;
  let largest: readonly [name: string, bytes: number] = ["", 0];
  for (const [name, text] of fields) {
    const bytes = Buffer.byteLength(text);
    total += bytes;
    if (bytes > largest[1]) largest = [name, bytes];
  }
  if (total <= maxBytes) return;
  const [name, bytes] = largest;
  throw new SessionError(
    "SESSION_TOO_LARGE",
    `the session has ${total} bytes, of ${maxBytes} allowed; its largest field is "${name}" with ${bytes}: ` +
      "keep large things elsewhere, and their ids here",
  );
}
