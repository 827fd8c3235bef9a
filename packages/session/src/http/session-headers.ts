/** What an answer says when it depends on a session, or sets one. */

import type { IncomingMessage, ServerResponse } from "node:http";

/** What is served here is not the same for everybody. */
export function markVarying(response: ServerResponse): void {
  const vary = response.getHeader("vary");
  if (vary === undefined) {
    response.setHeader("vary", "Cookie");
    return;
  }
  const names = (Array.isArray(vary) ? vary.join() : String(vary ?? "")).toLowerCase();
  const has = names.split(",").some((name) => ["cookie", "*"].includes(name.trim()));
  if (!has) response.setHeader("vary", names === "" ? "Cookie" : `${String(vary)}, Cookie`);
}

/** Adds the cookie, and keeps shared caches from giving it to others. */
export function markSettingCookie(
  request: IncomingMessage,
  response: ServerResponse,
  cookie: string,
  isSecure: boolean,
): void {
  const others = response.getHeader("set-cookie") ?? [];
  response.setHeader("set-cookie", [
    ...(Array.isArray(others) ? others : [String(others)]),
    cookie,
  ]);
  const control = response.getHeader("cache-control");
  if (control === undefined) response.setHeader("cache-control", 'private, no-cache="Set-Cookie"');
  else if (!/no-store|no-cache/i.test(String(control))) {
    response.setHeader("cache-control", `${String(control)}, no-cache="Set-Cookie"`);
  }
  if (isSecure && looksInsecure(request)) warnInsecure();
}

const LOCAL = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/i;

/** Neither TLS here nor a proxy that says there was; browsers make an exception for this machine. */
function looksInsecure({ socket, headers }: IncomingMessage): boolean {
  if ("encrypted" in socket && socket.encrypted === true) return false;
  const forwarded = headers["x-forwarded-proto"] ?? headers["forwarded"] ?? "";
  return !/https/i.test(String(forwarded)) && !LOCAL.test(headers.host ?? "");
}

let hasWarned = false;

function warnInsecure(): void {
  if (hasWarned) return;
  hasWarned = true;
  process.emitWarning(
    "a session cookie with Secure was set over plain HTTP: browsers drop it. Put TLS in front and let the " +
      "proxy send X-Forwarded-Proto, or, in development only, createSessions({ cookie: { secure: false } })",
    { code: "HEADROOM_SESSION_INSECURE" },
  );
}
