/**
 * What an error of a Redis client says, without what may be secret in it.
 *
 * ioredis puts the arguments of a command on its errors, and Redis quotes them in some messages
 * (`ERR unknown command 'x', with args beginning with: …`). So of a server's answer only its first
 * word is kept: `OOM`, `READONLY`, `LOADING`, `CLUSTERDOWN`, `MOVED`, `NOAUTH`, `NOPERM`.
 */

/** `"OOM"`, `"ERR"`, `"ECONNREFUSED"`, `"DISCONNECTED"`, `"MaxRetriesPerRequestError"`. */
export function redisFailureCode(error: unknown): string {
  if (!(error instanceof Error)) return "UNKNOWN";
  if (error.name === "ReplyError") return replyCode(error.message);
  if ("code" in error && typeof error.code === "string") return error.code;
  return error.name === "Error" ? "DISCONNECTED" : error.name;
}

/** Redis 6 and older wrap what went wrong in a script: `ERR Error running script …: -OOM command …`. */
function replyCode(message: string): string {
  const code = /^(?!ERR\b)[A-Z]+\b/.exec(message) ?? /(?<=: -)(?!ERR\b)[A-Z]+\b/.exec(message);
  return code?.[0] ?? "ERR";
}
