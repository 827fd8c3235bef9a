import type { Duplex } from "node:stream";
import { expect, test, vi } from "vitest";
import { exchangeRaw, openSocket, proxying } from "../../test/proxied.ts";
import { answering, balancing, idle, refusing, webServer } from "../../test/web-servers.ts";

const HANDSHAKE =
  "GET /chat HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/** Agrees, and sends back in capitals what it gets. */
async function shouting(id: string) {
  const web = await webServer(id, (_, response) => response.writeHead(426).end());
  const sockets = new Set<Duplex>();
  web.server.on("upgrade", (request, socket: Duplex, head: Buffer) => {
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    socket.write(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
        `Sec-WebSocket-Accept: for ${request.url}\r\n\r\nwelcome\n`,
    );
    if (head.length > 0) socket.write(head.toString().toUpperCase());
    socket.on("data", (chunk) => socket.write(String(chunk).toUpperCase()));
    socket.on("end", () => socket.end());
  });
  return { ...web, joined: sockets };
}

test("joins client and server: bytes both ways, those that came early too", async () => {
  const lb = balancing([await shouting("a")]);
  const proxy = await proxying(lb);
  const { socket, until } = await openSocket(proxy.port);
  socket.write(`${HANDSHAKE}early\n`);
  const answer = await until("EARLY");
  expect(answer).toMatch(/^HTTP\/1.1 101 Switching Protocols\r\n/);
  expect(answer).toContain("for /chat");
  expect(answer).toContain("welcome");
  socket.write("later\n");
  await until("LATER");
  expect(lb.stats().inFlight).toBe(1);
  socket.end();
  await idle(lb);
});

test("whoever breaks off ends the other", async () => {
  const a = await shouting("a");
  const lb = balancing([a]);
  const proxy = await proxying(lb);
  const one = await openSocket(proxy.port);
  one.socket.write(HANDSHAKE);
  await one.until("welcome");
  const closed = new Promise((resolve) => one.socket.once("close", resolve));
  for (const socket of a.joined) socket.destroy();
  await closed;
  const other = await openSocket(proxy.port);
  other.socket.write(HANDSHAKE);
  await other.until("welcome");
  other.socket.destroy();
  await vi.waitFor(() => expect(a.joined.size).toBe(0));
  await idle(lb);
});

test("what a server answers instead is the client's", async () => {
  const a = await answering("a", 403, { "content-length": "1" });
  const lb = balancing([a]);
  const proxy = await proxying(lb);
  const answer = await exchangeRaw(proxy.port, HANDSHAKE);
  expect(answer).toMatch(/^HTTP\/1.1 403 Forbidden\r\n/);
  expect(answer.endsWith("\r\n\r\na")).toBe(true);
});

test("a server that is gone costs nothing while another one is there", async () => {
  const proxy = await proxying(balancing([await refusing("a"), await shouting("b")]));
  const { socket, until } = await openSocket(proxy.port);
  socket.write(HANDSHAKE);
  expect(await until("welcome")).toContain("101");
});

test("with no server left the client is told so", async () => {
  const proxy = await proxying(balancing([await refusing("a")]));
  expect(await exchangeRaw(proxy.port, HANDSHAKE)).toMatch(/^HTTP\/1.1 502 Bad Gateway\r\n/);
});

test.each([
  ["h2c", HANDSHAKE.replace("websocket", "h2c")],
  ["POST", HANDSHAKE.replace("GET", "POST")],
  ["another server", HANDSHAKE.replace("/chat", "//evil.test/")],
])("refuses %s", async (_, bytes) => {
  const a = await shouting("a");
  const proxy = await proxying(balancing([a]));
  expect(await exchangeRaw(proxy.port, bytes)).toMatch(/^HTTP\/1.1 400 /);
  expect(a.joined.size).toBe(0);
});

test("many at once leave nothing behind", async () => {
  const a = await shouting("a");
  const lb = balancing([a]);
  const proxy = await proxying(lb);
  const clients = await Promise.all(Array.from({ length: 200 }, () => openSocket(proxy.port)));
  await Promise.all(
    clients.map(async ({ socket, until }) => {
      socket.write(HANDSHAKE);
      await until("welcome");
    }),
  );
  expect(lb.stats().inFlight).toBe(200);
  for (const { socket } of clients) socket.destroy();
  await vi.waitFor(() => expect(a.joined.size).toBe(0), { timeout: 5_000 });
  await idle(lb);
});
