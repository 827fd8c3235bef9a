/** The cookie of express-session: `s:<id>.<HMAC-SHA256 of the id, base64>`, URL-encoded. */

import { createHmac, timingSafeEqual } from "node:crypto";

/** Its ids have 32 characters unless the application makes its own. */
const LONGEST = 512;

/** The id in a value that one of these secrets signed. */
export function connectSidOf(value: string, secrets: readonly string[]): string | undefined {
  const signed = value.length <= LONGEST ? decoded(value) : undefined;
  const dot = signed?.lastIndexOf(".") ?? -1;
  if (signed === undefined || !signed.startsWith("s:") || dot < 3) return undefined;
  const [id, given] = [signed.slice(2, dot), Buffer.from(signed.slice(dot + 1))];
  const isSigned = secrets.some((secret) => {
    const mac = createHmac("sha256", secret).update(id).digest("base64").replace(/=+$/, "");
    return given.length === mac.length && timingSafeEqual(given, Buffer.from(mac));
  });
  return isSigned ? id : undefined;
}

function decoded(value: string): string | undefined {
  try {
    return decodeURIComponent(value);
  } catch {
    return undefined; // not of express-session
  }
}
