import { once } from "node:events";
import { createServer, request as httpRequest, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { BodyTooLarge, readShortBody, Upload } from "./upload.ts";

/** A request of a client as its server gets it. */
async function received() {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => server.closeAllConnections());
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const client = httpRequest({ port, method: "POST" });
  client.on("error", () => {});
  client.flushHeaders();
  const [request, response] = await once(server, "request");
  return { client, request: request as IncomingMessage, response };
}

test("passes a body on as it comes, to its end", async () => {
  const { client, request } = await received();
  const upload = new Upload(request);
  client.write("one ");
  client.end("two");
  let body = "";
  for await (const chunk of upload) body += chunk;
  expect(body).toBe("one two");
});

test("a client that closes in the middle breaks it off", async () => {
  const { client, request } = await received();
  const upload = new Upload(request);
  client.write("half");
  await once(upload, "readable");
  client.destroy();
  const [error] = await once(upload, "error");
  expect(error).toMatchObject({ name: "AbortError" });
});

test("destroying it leaves the client's connection whole: the rest is read and dropped", async () => {
  const { client, request, response } = await received();
  const upload = new Upload(request);
  client.write("half");
  await once(upload, "readable");
  upload.destroy();
  response.end("no, thank you");
  client.end(Buffer.alloc(1_000_000));
  const [answer] = await once(client, "response");
  let text = "";
  for await (const chunk of answer) text += chunk;
  expect(text).toBe("no, thank you");
});

test("more than allowed is a failure, as soon as it is more", async () => {
  const { client, request } = await received();
  const upload = new Upload(request, 5);
  upload.resume();
  client.write("hello");
  client.write("!");
  const [error] = await once(upload, "error");
  expect(error).toBeInstanceOf(BodyTooLarge);
});

test("a short body is read as one", async () => {
  const { client, request } = await received();
  const body = new Promise<Buffer>((resolve) => readShortBody(request, resolve));
  client.write("one ");
  client.end("two");
  expect(String(await body)).toBe("one two");
});
