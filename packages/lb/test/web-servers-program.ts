/**
 * A web server as a process of its own, for what scripted backends cannot show: bodies of every framing
 * that break off, and connections that were upgraded. It tells its parent its port, and ends with it.
 *
 * `GET /chunked/reset`: half of a body in that framing, then that end of the connection. An upgrade is
 * agreed to; its socket says who is there (the pid) and then sends back what it gets.
 */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const PARTS: Readonly<Record<string, string>> = {
  "content-length": "content-length: 8\r\n\r\nhalf",
  chunked: "transfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n",
  "until-close": "connection: close\r\n\r\nhalf",
};

/** A reset may overtake the bytes before it: the client gets time to read them. */
const BREAKS_OFF_AFTER_MS = 30;

const server = createServer((request) => {
  const [, framing = "", end] = (request.url ?? "").split("/");
  const { socket } = request;
  socket.write(`HTTP/1.1 200 OK\r\n${PARTS[framing]}`);
  setTimeout(() => {
    if (end === "reset") socket.resetAndDestroy();
    else socket.end();
  }, BREAKS_OFF_AFTER_MS);
});

server.on("upgrade", (_, socket) => {
  socket.on("error", () => {});
  socket.write(
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
  );
  socket.write(`pid ${process.pid};`);
  socket.pipe(socket);
});

process.once("disconnect", () => process.exit());
server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port));
