import { once } from "node:events";
import { createServer, request as httpRequest, type IncomingMessage } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { PassThrough, Readable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { Client, FormData as UndiciFormData } from "undici";
import { describe, expect, test } from "vitest";
import { type AttemptBody, type BodySource, replayableBody } from "./replayable-body.ts";

const KB = 1024;

/** What an attempt sends. */
async function sent(body: AttemptBody): Promise<string> {
  if (body === null) return "";
  if (typeof body === "string") return body;
  if (body instanceof Uint8Array) return Buffer.from(body).toString("latin1");
  if (body instanceof Readable) return (await buffer(body)).toString("latin1");
  throw new TypeError("not a body of these tests");
}

/** The stream of an attempt. */
function streamOf(body: AttemptBody): Readable {
  if (body instanceof Readable) return body;
  throw new TypeError("the body is no stream");
}

describe("what is in memory", () => {
  test.each<[string, BodySource, string, number]>([
    ["a string", "héllo", "héllo", 6],
    ["bytes", Buffer.from("hello"), "hello", 5],
    ["an array buffer", new TextEncoder().encode("hello").buffer, "hello", 5],
    ["a view of some bytes", new Uint8Array(Buffer.from("_hello_")).subarray(1, 6), "hello", 5],
    ["nothing", null, "", 0],
    ["undefined", undefined, "", 0],
    ["an empty string", "", "", 0],
    ["no bytes", Buffer.alloc(0), "", 0],
  ])("%s can be sent any number of times", async (_, source, content, length) => {
    const body = replayableBody(source);
    expect(body).toMatchObject({ length, replayable: true, complete: true, error: undefined });
    expect(await sent(body.open())).toBe(content);
    body.release();
    expect(await sent(body.open())).toBe(content);
  });

  test("so can a form, which undici writes anew each time", () => {
    for (const form of [new FormData(), new UndiciFormData()]) {
      const body = replayableBody(form as UndiciFormData);
      expect(body).toMatchObject({ length: undefined, replayable: true, complete: true });
      expect(body.open()).toBe(form);
    }
  });
});

test.each([5, true, Symbol("x"), {}, () => "x"])("%s is no body", (body) => {
  expect(() => replayableBody(body as unknown as BodySource)).toThrow(TypeError);
});

test("an iterable is read like one", async () => {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    yield new Uint8Array([104, 101]);
    yield Buffer.from("llo");
  }
  const body = replayableBody(chunks());
  expect(await sent(body.open())).toBe("hello");
  expect(await sent(body.open())).toBe("hello");
  expect(await sent(replayableBody(["hel", "lo"]).open())).toBe("hello");
  const web = new Response("hello").body;
  expect(await sent(replayableBody(web).open())).toBe("hello");
});

describe("with undici and a real server", () => {
  /** Breaks the connection of the first `broken` requests half way, echoes the others. */
  async function echo(broken: number): Promise<{ origin: string; close(): Promise<void> }> {
    let left = broken;
    const server = createServer((request, response) => {
      if (left-- > 0) request.once("data", () => request.socket.resetAndDestroy());
      else request.pipe(response);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return {
      origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      async close() {
        server.close();
        server.closeAllConnections();
        await once(server, "close");
      },
    };
  }

  test("a body that a server broke off is sent whole the second time", async () => {
    const server = await echo(1);
    const client = new Client(server.origin);
    const source = new PassThrough();
    const body = replayableBody(source);
    source.write("hel");
    const first = client.request({ path: "/", method: "PUT", body: body.open() });
    await expect(first).rejects.toThrow();
    const second = client.request({ path: "/", method: "PUT", body: body.open() });
    source.end("lo");
    expect(await (await second).body.text()).toBe("hello");
    await client.close();
    await server.close();
  });

  test("a large one arrives as it is", async () => {
    const server = await echo(0);
    const client = new Client(server.origin);
    const content = Buffer.alloc(300 * KB, "0123456789");
    const body = replayableBody(Readable.from([content.subarray(0, 999), content.subarray(999)]));
    const answer = await client.request({ path: "/", method: "PUT", body: body.open() });
    expect(Buffer.from(await answer.body.arrayBuffer()).equals(content)).toBe(true);
    await client.close();
    await server.close();
  });

  test("a request that came in can still be answered after release", async () => {
    let socket: Socket | undefined;
    const server = createServer((request: IncomingMessage, response) => {
      socket = request.socket;
      const body = replayableBody(request);
      const attempt = streamOf(body.open());
      attempt.once("data", () => {
        body.release(new Error("all targets are down"));
        response.writeHead(502).end("bad gateway");
      });
      attempt.resume();
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const request = httpRequest({ port, host: "127.0.0.1", method: "POST" });
    request.write("part");
    const [answer] = (await once(request, "response")) as [IncomingMessage];
    expect(answer.statusCode).toBe(502);
    expect(await text(answer)).toBe("bad gateway");
    expect(socket?.destroyed).toBe(false);
    request.end("rest");
    server.close();
    server.closeAllConnections();
  });

  test("a client that leaves while it sends breaks the body off", async () => {
    const broken = new Promise<unknown>((resolve) => {
      const server = createServer((request: IncomingMessage) => {
        const body = replayableBody(request);
        const attempt = streamOf(body.open());
        attempt.once("error", () => {
          resolve(body.error);
          server.close();
        });
        attempt.once("data", () => client.destroy());
      });
      server.listen(0, "127.0.0.1");
      let client = httpRequest({ host: "127.0.0.1" });
      server.once("listening", () => {
        const { port } = server.address() as AddressInfo;
        client = httpRequest({ host: "127.0.0.1", port, method: "POST" });
        client.on("error", () => {});
        client.write("part");
      });
      client.on("error", () => {});
      client.destroy();
    });
    expect(await broken).toMatchObject({ code: "ECONNRESET" });
  });
});
