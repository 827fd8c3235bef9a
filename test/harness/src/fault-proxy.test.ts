import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Endpoint, loopback } from "./endpoint.ts";
import { eventually } from "./eventually.ts";
import { FaultProxy } from "./fault-proxy.ts";

let server: Server;
let proxy: FaultProxy;
const sockets = new Set<Socket>();

/** A server that answers with what it was sent, and lets `accepted` see its side of a connection. */
async function echoServer(accepted: (socket: Socket) => void = () => {}): Promise<Endpoint> {
  server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    accepted(socket);
    socket.pipe(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return loopback((server.address() as AddressInfo).port);
}

/** A client that keeps all it received. */
async function dial(endpoint: Endpoint = proxy.endpoint) {
  const socket = connect({ ...endpoint, allowHalfOpen: true, noDelay: true });
  sockets.add(socket);
  const chunks: Buffer[] = [];
  const state = { error: undefined as string | undefined, ended: false };
  socket.on("data", (chunk) => chunks.push(chunk));
  socket.on("end", () => {
    state.ended = true;
  });
  socket.on("error", (error: NodeJS.ErrnoException) => {
    state.error = error.code;
  });
  await once(socket, "connect");
  return {
    socket,
    state,
    received: () => Buffer.concat(chunks),
    until: (bytes: number) =>
      eventually(`${bytes} bytes`, () => Buffer.concat(chunks).length >= bytes, { everyMs: 1 }),
    ended: () => eventually("the end of the stream", () => state.ended, { everyMs: 1 }),
    reset: () =>
      eventually("a reset", () => state.error === "ECONNRESET" || state.error === "EPIPE", {
        everyMs: 1,
      }),
  };
}

beforeEach(async () => {
  proxy = await FaultProxy.start({ target: await echoServer() });
});

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  await proxy.close();
  await new Promise((resolve) => server.close(resolve));
});

/** Bytes in which a lost, doubled or moved piece would show. */
function numbered(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at + 4 <= length; at += 4) bytes.writeUInt32LE(at, at);
  return bytes;
}

describe("without a fault", () => {
  test("passes bytes both ways, and counts them", async () => {
    const client = await dial();
    client.socket.write("hello");
    await client.until(5);
    expect(client.received().toString()).toBe("hello");
    expect(proxy.stats).toEqual({ connections: 1, accepted: 1, bytesUp: 5, bytesDown: 5 });
  });

  test("passes 16 MiB unchanged to a client that stops reading in between", async () => {
    const client = await dial();
    const sent = numbered(16 * 1024 * 1024);
    client.socket.write(sent);
    client.socket.pause();
    await eventually("the proxy waits for its client", () => proxy.stats.bytesDown > 0);
    client.socket.resume();
    await client.until(sent.length);
    expect(client.received().equals(sent)).toBe(true);
  });

  test("passes the end of one direction while the other goes on", async () => {
    const client = await dial();
    client.socket.end("last words");
    await client.ended();
    expect(client.received().toString()).toBe("last words");
  });

  test("forgets a connection when both sides are gone", async () => {
    const client = await dial();
    client.socket.write("x");
    await client.until(1);
    client.socket.destroy();
    await eventually("no connection is left", () => proxy.stats.connections === 0);
    expect(proxy.stats.accepted).toBe(1);
  });

  test("resets its client when the server is not there", async () => {
    await new Promise((resolve) => server.close(resolve));
    const client = await dial();
    await client.reset();
    expect(client.received()).toHaveLength(0);
  });
});

describe("stall", () => {
  test("holds every byte and delivers all of them in order when the link opens", async () => {
    const client = await dial();
    client.socket.write("before ");
    await client.until(7);
    proxy.stall();
    const sent = numbered(4 * 1024 * 1024);
    client.socket.write(sent);
    client.socket.end();
    await silence(client);
    proxy.open();
    await client.ended();
    expect(client.received().subarray(7).equals(sent)).toBe(true);
  });

  test("of one direction lets the other pass: a request arrives, its reply does not", async () => {
    const arrived = receivedByServer();
    const client = await dial();
    proxy.stall("down");
    client.socket.write("request");
    await eventually("the server got the request", () => arrived().includes("request"));
    expect(client.received()).toHaveLength(0);
    proxy.open();
    await client.until(7);
  });

  test("hides that the server has died, until the link opens", async () => {
    const client = await dial();
    client.socket.write("x");
    await client.until(1);
    proxy.stall();
    for (const socket of sockets) if (socket !== client.socket) socket.resetAndDestroy();
    await silence(client);
    expect(client.state).toEqual({ error: undefined, ended: false });
    proxy.open();
    await client.reset();
  });

  test("lets new connections wait, and reach the server when the link opens", async () => {
    proxy.stall();
    const client = await dial();
    client.socket.write("patience");
    await silence(client);
    proxy.open();
    await client.until(8);
    expect(client.received().toString()).toBe("patience");
  });

  test("followed by resetAll is a lost reply: the server acted, the client saw a reset", async () => {
    const arrived = receivedByServer();
    const client = await dial();
    proxy.stall("down");
    client.socket.write("charge my card");
    await eventually("the server got it", () => arrived().includes("charge"));
    proxy.resetAll();
    await client.reset();
    expect(client.received()).toHaveLength(0);
  });
});

test("refuse resets new connections and leaves those that are there", async () => {
  const early = await dial();
  early.socket.write("a");
  await early.until(1);
  proxy.refuse();
  const late = await dial().catch((error: NodeJS.ErrnoException) => error.code);
  if (typeof late === "object") await late.reset();
  else expect(late).toBe("ECONNRESET");
  early.socket.write("b");
  await early.until(2);
  proxy.open();
  const later = await dial();
  later.socket.write("c");
  await later.until(1);
});

test("latency delays each way by at least as much, and keeps the order under jitter", async () => {
  const control = await roundTripMs();
  proxy.latency(40, 20);
  const slow = await roundTripMs();
  expect(control).toBeLessThan(40);
  expect(slow).toBeGreaterThanOrEqual(80);

  const client = await dial();
  const sent = numbered(4000);
  for (let at = 0; at < sent.length; at += 40) client.socket.write(sent.subarray(at, at + 40));
  await client.until(sent.length);
  expect(client.received().equals(sent)).toBe(true);
});

test("limit lets about so many bytes a second through, and loses none", async () => {
  proxy.limit(200_000);
  const client = await dial();
  const sent = numbered(100_000);
  const startedMs = performance.now();
  client.socket.write(sent);
  await client.until(sent.length);
  const tookMs = performance.now() - startedMs;
  expect(client.received().equals(sent)).toBe(true);
  expect(tookMs).toBeGreaterThan(450);
  expect(tookMs).toBeLessThan(5000);
});

test("open ends slowness at once, also for what already waits", async () => {
  proxy.limit(1000);
  proxy.latency(60_000);
  const client = await dial();
  const sent = numbered(64 * 1024);
  client.socket.write(sent);
  await eventually("the proxy holds it", () => client.socket.bytesWritten === sent.length);
  proxy.open();
  await client.until(sent.length);
  expect(client.received().equals(sent)).toBe(true);
});

test("the end of a stream is as late as its bytes", async () => {
  proxy.latency(100);
  const client = await dial();
  const startedMs = performance.now();
  client.socket.end("bye");
  await client.ended();
  expect(client.received().toString()).toBe("bye");
  expect(performance.now() - startedMs).toBeGreaterThanOrEqual(200);
});

test.each([
  ["latency", -1],
  ["latency", Number.NaN],
  ["limit", 0],
  ["resetAfter", -1],
] as const)("%s(%d) is refused", (control, value) => {
  expect(() => proxy[control](value)).toThrow(RangeError);
});

test("resetAll resets both sides of every connection once", async () => {
  const client = await dial();
  client.socket.write("x");
  await client.until(1);
  proxy.resetAll();
  await client.reset();
  const next = await dial();
  next.socket.write("y");
  await next.until(1);
});

test("resetAfter lets exactly so many bytes of a reply through, then resets", async () => {
  proxy.resetAfter(10_000);
  const client = await dial();
  const sent = numbered(200_000);
  client.socket.write(sent);
  await client.reset();
  expect(client.received().equals(sent.subarray(0, 10_000))).toBe(true);
});

test("retarget leads new connections to another server and resets the old ones", async () => {
  const client = await dial();
  client.socket.write("x");
  await client.until(1);
  const other = createServer((socket) => socket.on("error", () => {}).end("the other"));
  other.listen(0, "127.0.0.1");
  await once(other, "listening");
  proxy.retarget(loopback((other.address() as AddressInfo).port));
  await client.reset();
  const next = await dial();
  await next.ended();
  expect(next.received().toString()).toBe("the other");
  other.close();
});

function receivedByServer(): () => string {
  let text = "";
  server.on("connection", (socket) => socket.on("data", (chunk) => (text += chunk)));
  return () => text;
}

async function roundTripMs(): Promise<number> {
  const client = await dial();
  client.socket.write("warm");
  await client.until(4);
  const startedMs = performance.now();
  client.socket.write("ping");
  await client.until(8);
  return performance.now() - startedMs;
}

/** Nothing comes through for as long as many round trips of an open link take. */
async function silence(client: Awaited<ReturnType<typeof dial>>): Promise<void> {
  const before = client.received().length;
  const open = await FaultProxy.start({ target: proxy.target });
  const control = await dial(open.endpoint);
  for (let round = 1; round <= 20; round += 1) {
    control.socket.write("x");
    await control.until(round);
  }
  await open.close();
  expect(client.received().length).toBe(before);
}
