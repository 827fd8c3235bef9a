/** How a session's token travels with requests and answers: in a cookie, or in a header. */

import type { IncomingMessage, ServerResponse } from "node:http";

export interface TokenTransport {
  /** What the request brings, signed or forged. */
  read(request: IncomingMessage): string | undefined;
  /** Before the head of the answer is sent. */
  write(response: ServerResponse, value: string): void;
}

/** A token's own header name; the answer has it as well. */
export function headerTransport(name: string): TokenTransport {
  return {
    read(request) {
      const value = request.headers[name.toLowerCase()];
      return typeof value === "string" ? value : undefined;
    },
    write: (response, value) => void response.setHeader(name, value),
  };
}

/** As long as a replica may be behind, with room to spare; comparing costs nothing. */
const MAX_AGE_S = 3600;

/** `Secure`, but for a site without TLS; scripts cannot read it. */
export function cookieTransport(name: string, isSecure: boolean): TokenTransport {
  const attributes = `Path=/; Max-Age=${MAX_AGE_S}; HttpOnly; SameSite=Lax${isSecure ? "; Secure" : ""}`;
  return {
    read: (request) => cookieOf(request.headers.cookie, name),
    write(response, value) {
      response.appendHeader("Set-Cookie", `${name}=${value}; ${attributes}`);
      // An answer that sets a cookie is one user's.
      if (!response.hasHeader("Cache-Control"))
        response.setHeader("Cache-Control", "private, no-cache");
    },
  };
}

function cookieOf(header: string | undefined, name: string): string | undefined {
  for (const pair of header?.split(";") ?? []) {
    const text = pair.trim();
    if (text.startsWith(`${name}=`)) return text.slice(name.length + 1);
  }
  return undefined;
}
