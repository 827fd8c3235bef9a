/**
 * Both ends of a proxy as raw sockets: a client that sends exactly these bytes, and a target that
 * reads what arrives as strictly as the standard allows (RFC 9112), so that whatever two servers could
 * read differently is seen.
 */

import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { onTestFinished } from "vitest";

/** A request as the target read it. */
export interface SeenRequest {
  readonly line: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

/** What is wrong with the bytes that a target got. */
class Malformed extends Error {}

const REQUEST_LINE = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+ (\/(?!\/)[\x21-\x7e]*|\*) HTTP\/1\.1$/;
const HEADER = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([\t\x20-\x7e\x80-\xff]*)$/;
/** About one connection: a proxy must not pass them on. `Connection` itself is of its own connection. */
const HOP_BY_HOP = new Set([
  "keep-alive",
  "proxy-connection",
  "proxy-authenticate",
  "proxy-authorization",
  "trailer",
  "upgrade",
  "http2-settings",
]);

/**
 * The first request in `bytes`, and what follows it; undefined while it is not complete.
 * @throws Malformed naming what two readers could disagree about.
 */
function readRequest(
  bytes: string,
): { readonly request: SeenRequest; readonly rest: string } | undefined {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const [line = "", ...lines] = bytes.slice(0, end).split("\r\n");
  if (!REQUEST_LINE.test(line)) throw new Malformed(`request line ${JSON.stringify(line)}`);
  const headers = lines.map((text): [string, string] => {
    const found = HEADER.exec(text);
    if (found === null) throw new Malformed(`header ${JSON.stringify(text)}`);
    return [(found[1] ?? "").toLowerCase(), found[2] ?? ""];
  });
  requireSound(headers);
  const body = readBody(headers, bytes.slice(end + 4));
  return body && { request: { line, headers, body: body.text }, rest: body.rest };
}

function requireSound(headers: readonly (readonly [string, string])[]): void {
  const values = (name: string) => headers.filter(([each]) => each === name).map(([, v]) => v);
  if (values("host").length !== 1) throw new Malformed(`${values("host").length} Host headers`);
  const [lengths, codings] = [values("content-length"), values("transfer-encoding")];
  if (lengths.length + codings.length > 1) throw new Malformed("the length is said twice");
  if (lengths.some((length) => !/^\d+$/.test(length))) throw new Malformed("a length is no number");
  if (codings.some((coding) => coding !== "chunked")) throw new Malformed("an unknown coding");
  for (const [name] of headers) {
    if (HOP_BY_HOP.has(name)) throw new Malformed(`${name} was passed on`);
  }
}

function readBody(
  headers: readonly (readonly [string, string])[],
  bytes: string,
): { readonly text: string; readonly rest: string } | undefined {
  const known = new Map(headers);
  if (known.has("transfer-encoding")) return readChunks(bytes);
  const length = Number(known.get("content-length") ?? 0);
  if (bytes.length < length) return undefined;
  return { text: bytes.slice(0, length), rest: bytes.slice(length) };
}

function readChunks(bytes: string): { readonly text: string; readonly rest: string } | undefined {
  let text = "";
  for (let at = 0; ; ) {
    const end = bytes.indexOf("\r\n", at);
    if (end < 0) return undefined;
    const size = bytes.slice(at, end);
    if (!/^[0-9a-fA-F]{1,8}$/.test(size)) throw new Malformed(`chunk size ${JSON.stringify(size)}`);
    const length = Number.parseInt(size, 16);
    at = end + 2;
    if (bytes.length < at + length + 2) return undefined;
    if (bytes.slice(at + length, at + length + 2) !== "\r\n") throw new Malformed("end of a chunk");
    if (length === 0) return { text, rest: bytes.slice(at + 2) };
    text += bytes.slice(at, at + length);
    at += length + 2;
  }
}

/** A target that writes down every request, and everything that is none. */
export interface RawTarget {
  readonly url: string;
  readonly port: number;
  readonly seen: readonly SeenRequest[];
  /** What two servers could read differently. */
  readonly malformed: readonly string[];
  readonly connections: number;
}

/** @param answer the bytes to answer with; `undefined` answers 200 with the request's path. */
export async function rawTarget(
  answer?: (request: SeenRequest, socket: Socket) => string | undefined,
): Promise<RawTarget> {
  const seen: SeenRequest[] = [];
  const malformed: string[] = [];
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    let received = "";
    socket.setEncoding("latin1");
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      received += chunk;
      try {
        for (let read = readRequest(received); read; read = readRequest(received)) {
          received = read.rest;
          seen.push(read.request);
          const bytes = answer === undefined ? ok(read.request) : answer(read.request, socket);
          if (bytes !== undefined) socket.write(bytes, "latin1");
        }
      } catch (error) {
        malformed.push((error as Error).message);
        socket.destroy();
      }
    });
    socket.on("close", () => {
      if (received !== "")
        malformed.push(`half a request: ${JSON.stringify(received.slice(0, 60))}`);
    });
  });
  const port = await listening(server);
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    seen,
    malformed,
    get connections() {
      return connections;
    },
  };
}

function ok({ line }: SeenRequest): string {
  const path = line.split(" ")[1] ?? "";
  return `HTTP/1.1 200 OK\r\nContent-Length: ${path.length}\r\n\r\n${path}`;
}

/** Listens on a free port until the test is over. */
export async function listening(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

/**
 * Sends these bytes, and gives all that comes back until the server closes the connection.
 * @param silentMs closes it ourselves when nothing has come for so long, in milliseconds.
 */
export function exchange(port: number, bytes: string, silentMs = 0): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes, "latin1"));
    let received = "";
    socket.setEncoding("latin1");
    socket.setTimeout(silentMs, () => socket.destroy());
    socket.on("data", (chunk) => {
      received += chunk;
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(received));
  });
}

/** The statuses of the answers in `bytes`, in their order. */
export function statusesOf(bytes: string): number[] {
  return [...bytes.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
}
