/** A server of bare bytes: it keeps exactly what it gets, and answers exactly what it is told to. */

import { createServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import { listening } from "../../packages/lb/test/web-servers.ts";
import { Malformed, readRequest, readRequestHead, type WireRequest } from "./lb-proxy-wire.ts";

/** What is written for one request, and what becomes of the connection then. */
export interface Reply {
  /** As latin1. Several are written one after another, each when the one before has left. */
  readonly bytes: string | readonly string[];
  /** @default "keep" */
  readonly then?: "keep" | "end" | "reset" | undefined;
  /** Before the body of the request has come. @default false */
  readonly atHead?: boolean | undefined;
}

/** The reply to the request that is the `nth` of all, from 0; `undefined` for an ordinary one. */
export type Script = (nth: number) => Reply | undefined;

export interface UpstreamConnection {
  /** Everything that came, as latin1. */
  received: string;
  readonly requests: WireRequest[];
  /** How many bytes belong to `requests`. */
  readUpTo: number;
  /** Why what came is no request. */
  malformed: string | undefined;
  isClosed: boolean;
}

export interface Upstream {
  readonly port: number;
  readonly url: string;
  readonly connections: UpstreamConnection[];
  /** Of all connections, in the order of their arrival. */
  readonly requests: WireRequest[];
}

/** What a request is answered with that nobody wrote a reply for: its own first line. */
export function echo({ method, target }: Pick<WireRequest, "method" | "target">): string {
  const body = `<${method} ${target}>`;
  const head = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`;
  return method === "HEAD" ? head : head + body;
}

/** On a free port; it ends with the test. */
export async function rawUpstream(script: Script = () => undefined): Promise<Upstream> {
  const connections: UpstreamConnection[] = [];
  const requests: WireRequest[] = [];
  const sockets = new Set<Socket>();
  let replies = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    const connection: UpstreamConnection = {
      received: "",
      requests: [],
      readUpTo: 0,
      malformed: undefined,
      isClosed: false,
    };
    connections.push(connection);
    // The reply to the request under way was written before its body had come.
    let isAnswered = false;
    const takeAll = (): void => {
      for (;;) {
        const head = readRequestHead(connection.received, connection.readUpTo);
        if (head === undefined) return;
        const reply = isAnswered ? undefined : script(replies);
        if (reply?.atHead === true) {
          replies++;
          isAnswered = true;
          write(socket, reply);
        }
        const whole = readRequest(connection.received, connection.readUpTo);
        if (whole === undefined) return;
        connection.readUpTo = whole.end;
        connection.requests.push(whole.message);
        requests.push(whole.message);
        if (isAnswered) {
          isAnswered = false;
          continue;
        }
        replies++;
        write(socket, reply ?? { bytes: echo(whole.message) });
      }
    };
    socket.setEncoding("latin1");
    socket.on("error", () => {});
    socket.on("close", () => {
      connection.isClosed = true;
      sockets.delete(socket);
    });
    socket.on("data", (chunk) => {
      connection.received += chunk;
      if (connection.malformed !== undefined) return;
      try {
        takeAll();
      } catch (error) {
        if (!(error instanceof Malformed)) throw error;
        connection.malformed = error.message;
        socket.destroy();
      }
    });
  });
  const port = await listening(server);
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return { port, url: `http://127.0.0.1:${port}`, connections, requests };
}

function write(socket: Socket, { bytes, then = "keep" }: Reply): void {
  const [piece, ...rest] = [bytes].flat();
  socket.write(piece ?? "", "latin1", () => {
    if (rest.length > 0) setImmediate(write, socket, { bytes: rest, then });
    else if (then === "end") socket.end();
    else if (then === "reset") socket.resetAndDestroy();
  });
}
