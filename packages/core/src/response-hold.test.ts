import { once } from "node:events";
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline, Readable } from "node:stream";
import { expect, onTestFinished, test } from "vitest";
import { type HoldSteps, holdResponse } from "./response-hold.ts";

type Handler = (response: ServerResponse, request: IncomingMessage) => void;

/** A server whose answers are held until `release`. */
async function serve(handler: Handler, steps: Partial<HoldSteps> = {}) {
  const held: { resolve(): void; reject(error: Error): void }[] = [];
  const failed: unknown[] = [];
  const server = createServer((request, response) => {
    holdResponse(response, {
      beforeHead: () => new Promise<void>((resolve, reject) => held.push({ resolve, reject })),
      beforeEnd: () => undefined,
      failed: (error) => {
        failed.push(error);
        response.end("an error page");
      },
      ...steps,
    });
    handler(response, request);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const get = async (method = "GET") => {
    const sent = httpRequest({ port, method, agent: false });
    sent.end();
    return sent;
  };
  const read = async (sent: ReturnType<typeof httpRequest>) => {
    const [answer] = (await once(sent, "response")) as [IncomingMessage];
    let body = "";
    for await (const chunk of answer.setEncoding("utf8")) body += chunk;
    return { status: answer.statusCode, headers: answer.headers, body };
  };
  const isHeld = async () => {
    while (held.length === 0) await new Promise((resolve) => setImmediate(resolve));
    return held[0];
  };
  return { get, read, isHeld, held, failed };
}

test.each<[string, Handler, string]>([
  ["end", (response) => response.end("a"), "a"],
  ["end with an encoding", (response) => response.end("6162", "hex"), "ab"],
  ["nothing", (response) => response.end(), ""],
  ["writeHead and end", (response) => response.writeHead(200, { a: "b" }).end("a"), "a"],
  [
    "writes",
    (response) => {
      response.write("a");
      response.write("b");
      response.end("c");
    },
    "abc",
  ],
  [
    "flushed headers",
    (response) => {
      response.flushHeaders();
      response.end("a");
    },
    "a",
  ],
])("%s waits, and then goes out as it was", async (_, handler, body) => {
  const { get, read, isHeld } = await serve((response) => {
    handler(response, response.req);
    expect(response.headersSent).toBe(true);
  });
  const sent = await get();
  let hasAnswered = false;
  sent.on("response", () => {
    hasAnswered = true;
  });
  const hold = await isHeld();
  await new Promise((resolve) => setImmediate(resolve));
  expect(hasAnswered).toBe(false);
  const answer = read(sent);
  hold?.resolve();
  expect(await answer).toMatchObject({ status: 200, body });
});

test("answers that were held have one shape", async () => {
  const responses: ServerResponse[] = [];
  const handler: Handler = (response) => {
    responses.push(response);
    response.end("a");
  };
  const { get, read } = await serve(handler, { beforeHead: () => Promise.resolve() });
  await read(await get());
  await read(await get());
  const [first, second] = responses.map(
    (response) => Object.getOwnPropertyDescriptor(response, "headersSent")?.get,
  );
  expect(first).toBeDefined();
  expect(second).toBe(first);
  expect(responses.map((response) => response.headersSent)).toEqual([true, true]);
});

test("headers may be set while it is held", async () => {
  let held: ServerResponse | undefined;
  const { get, read, isHeld } = await serve((response) => {
    held = response;
    response.end("a");
  });
  const answer = read(await get());
  const hold = await isHeld();
  held?.setHeader("set-cookie", "a=b");
  hold?.resolve();
  expect((await answer).headers["set-cookie"]).toEqual(["a=b"]);
});

test("an answer with nothing to be done is not held", async () => {
  const states: boolean[] = [];
  const { get, read } = await serve(
    (response) => {
      states.push(response.headersSent);
      response.write("a");
      states.push(response.headersSent);
      response.end();
    },
    { beforeHead: () => undefined },
  );
  expect((await read(await get())).body).toBe("a");
  expect(states).toEqual([false, true]);
});

test("writers wait, and are told when they may go on; end calls back", async () => {
  const told: string[] = [];
  const { get, read, isHeld } = await serve((response) => {
    expect(response.write("a")).toBe(false);
    response.once("drain", () => {
      told.push("drain");
      response.end("b", () => told.push("ended"));
    });
  });
  const answer = read(await get());
  (await isHeld())?.resolve();
  expect((await answer).body).toBe("ab");
  expect(told).toEqual(["drain", "ended"]);
});

test("a stream that is piped into a held answer waits, and arrives whole", async () => {
  let read = 0;
  const chunks = function* () {
    for (; read < 500; read++) yield Buffer.alloc(10_000, "x");
  };
  const {
    get,
    read: readAll,
    isHeld,
  } = await serve((response) => {
    pipeline(Readable.from(chunks()), response, () => {});
  });
  const answer = readAll(await get());
  const hold = await isHeld();
  for (let at = 0; at < 50; at++) await new Promise((resolve) => setImmediate(resolve));
  // As much as the stream itself reads ahead, and no more.
  expect(read).toBeLessThan(100);
  hold?.resolve();
  expect((await answer).body).toHaveLength(5_000_000);
});

test("what fails before anything was sent can still be an error page, without the old headers", async () => {
  const { get, read, isHeld, failed } = await serve((response) => {
    response.setHeader("location", "/");
    response.statusCode = 302;
    response.end("a");
  });
  const answer = read(await get());
  (await isHeld())?.reject(new Error("the store is out"));
  const { status, headers, body } = await answer;
  expect([status, headers.location, body]).toEqual([500, undefined, "an error page"]);
  expect(failed).toEqual([new Error("the store is out")]);
});

test("what fails when a body is on its way closes the connection", async () => {
  const { get, isHeld, failed } = await serve((response) => void response.write("a"));
  const sent = await get();
  const ended = once(sent, "error");
  (await isHeld())?.reject(new Error("the store is out"));
  await ended;
  expect(failed).toEqual([]);
});

const twoParts: Handler = (response) => {
  response.write("a");
  response.end("b");
};

test("what is to be done late is done before the end, or the client sees that it failed", async () => {
  let fails = false;
  const { get, read } = await serve(twoParts, {
    beforeHead: () => undefined,
    beforeEnd: () => (fails ? Promise.reject(new Error("out")) : Promise.resolve()),
  });
  expect((await read(await get())).body).toBe("ab");
  fails = true;
  await expect(read(await get())).rejects.toThrow();
});

test.each(["HEAD", "GET"])("%s of a 304 is held as well", async (method) => {
  const { get, read, isHeld } = await serve((response) => response.writeHead(304).end());
  const answer = read(await get(method));
  (await isHeld())?.resolve();
  expect(await answer).toMatchObject({ status: 304, body: "" });
});

test("a client that goes while it is held harms nobody", async () => {
  let closed: Promise<unknown> = Promise.resolve();
  const { get, read, isHeld, held } = await serve((response) => {
    closed = once(response, "close");
    response.end("a");
  });
  const sent = await get();
  sent.on("error", () => {});
  const hold = await isHeld();
  sent.destroy();
  await closed;
  hold?.resolve();
  held.length = 0;
  const answer = read(await get());
  (await isHeld())?.resolve();
  expect((await answer).body).toBe("a");
});
