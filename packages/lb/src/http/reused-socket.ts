/**
 * Did a connection fail that had served before?
 *
 * A kept connection may be closed by the server at the very moment the next request is written to
 * it. That failure is no sign of a broken server, unlike the same failure of a new connection, so
 * the two must be told apart. undici tells for some errors (`SocketError.socket.bytesRead`), but for
 * an `ECONNRESET` it passes on the bare error of the socket. The error object is the same, though,
 * from the socket's `error` event to the request that fails: so we note the socket's state there.
 *
 * A connection has served before when something was read on it before this answer began. For TLS
 * these are bytes of the plain text. An HTTP/2 connection has always been read from (its
 * settings), and many requests share it; it never counts as reused.
 */

import type { Socket } from "node:net";

/** Errors of sockets → whether the socket had been read from. Weak: forgotten with the error. */
const reusedByError = new WeakMap<object, boolean>();

/** Takes note of how `socket` fails. To be called once for each new connection, when it is open. */
export function watchSocket(socket: Socket & { alpnProtocol?: unknown }): void {
  socket.once("error", (error) => {
    reusedByError.set(error, socket.alpnProtocol !== "h2" && socket.bytesRead > 0);
  });
}

/**
 * Whether `error` ended a connection that had been read from. Only meaningful when no byte of the
 * present answer has come. False when nothing is known.
 */
export function failedOnReusedSocket(error: unknown): boolean {
  if (typeof error !== "object" || error === null) return false;
  return reusedByError.get(error) ?? bytesReadOf(error) > 0;
}

/** undici's `SocketError` has them. */
function bytesReadOf(error: object): number {
  const socket: unknown = "socket" in error ? error.socket : undefined;
  if (typeof socket !== "object" || socket === null || !("bytesRead" in socket)) return 0;
  return typeof socket.bytesRead === "number" ? socket.bytesRead : 0;
}
