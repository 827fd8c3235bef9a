/**
 * Answers before the answer: 102 Processing and 103 Early Hints.
 *
 * They are advice. One that Node cannot send (it takes early hints only with a well-formed `Link`) is
 * left out, and so are all others: 100 has been answered by Node, which waits for nobody. A client
 * of HTTP/1.0 would take the first of them for the answer (RFC 9110 §15.2).
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import { refuseAnswerHeaders } from "./header-rules.ts";
import { stripAnswerHeaders } from "./hop-by-hop.ts";
import type { RawHeaders } from "./raw-headers.ts";

export function writeInterim(
  request: IncomingMessage,
  response: ServerResponse,
  statusCode: number,
  rawHeaders: RawHeaders,
): void {
  if (request.httpVersionMajor === 1 && request.httpVersionMinor === 0) return;
  if (statusCode === 102) response.writeProcessing();
  if (statusCode !== 103 || refuseAnswerHeaders(rawHeaders) !== undefined) return;
  try {
    response.writeEarlyHints(hintsOf(stripAnswerHeaders(rawHeaders)));
  } catch (error) {
    if (!isInvalid(error)) throw error;
  }
}

function hintsOf(headers: readonly string[]): Record<string, string | string[]> {
  const hints: Record<string, string | string[]> = Object.create(null);
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index]?.toLowerCase() ?? "";
    const value = headers[index + 1] ?? "";
    const before = hints[name];
    hints[name] = before === undefined ? value : [before, value].flat();
  }
  return hints;
}

function isInvalid(error: unknown): boolean {
  return error instanceof Error && "code" in error && String(error.code).startsWith("ERR_INVALID");
}
