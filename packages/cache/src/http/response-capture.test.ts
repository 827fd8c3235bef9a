import { createServer, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { systemClock } from "@headroom/core/clock";
import { expect, onTestFinished, test } from "vitest";
import { type CaptureRules, captureResponse, type Decision } from "./response-capture.ts";

/** What a handler writes, what its client gets, and what is captured of it. */
async function captured(
  handler: (response: ServerResponse) => void,
  decision: Decision = "keep",
  maxBodyBytes = 1_000,
): Promise<{ client: string; answer: unknown; body: string | undefined; ended: number }> {
  let ended = 0;
  let answer: unknown;
  let body: string | undefined;
  const rules: CaptureRules = {
    maxBodyBytes,
    clock: systemClock,
    answered: () => decision,
    ended: (own, bytes) => {
      ended++;
      answer = own;
      body = bytes && Buffer.from(bytes).toString();
    },
  };
  const server = createServer((_, response) => {
    const direct = captureResponse(response, rules);
    handler(response);
    if (decision !== "replace") return;
    response.setHeader("content-length", "6");
    direct.writeHead(200);
    direct.end(Buffer.from("direct"));
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const client = await new Promise<string>((resolve) => {
    request({ host: "127.0.0.1", port, agent: false }, (got) => {
      let text = `${got.statusCode} `;
      got.on("data", (chunk) => (text += chunk)).on("end", () => resolve(text));
    }).end();
  });
  return { client, answer, body, ended };
}

test("every way to write is seen, and reaches the client as it is", async () => {
  const got = await captured((response) => {
    response.statusCode = 201;
    response.setHeader("x-a", ["1", "2"]);
    response.write("text ");
    response.write(Buffer.from("bytes "));
    response.write("68657820", "hex");
    response.end("end");
  });
  expect(got).toEqual({
    client: "201 text bytes hex end",
    body: "text bytes hex end",
    answer: { status: 201, headers: { "x-a": ["1", "2"] } },
    ended: 1,
  });
});

test("what passes or grows too large is not kept, and reaches the client all the same", async () => {
  expect(await captured((response) => response.end("text"), "pass")).toMatchObject({
    client: "200 text",
    body: undefined,
    ended: 1,
  });
  const large = await captured((response) => response.end("x".repeat(1_001)));
  expect(large).toMatchObject({ client: `200 ${"x".repeat(1_001)}`, body: undefined, ended: 1 });
});

test("a handler whose answer is replaced talks to nobody, and is told that all went well", async () => {
  let called = 0;
  const got = await captured((response) => {
    response.statusCode = 500;
    expect(response.write("error", () => called++)).toBe(true);
    response.end(() => called++);
  }, "replace");
  expect(got.client).toBe("200 direct");
  expect(called).toBe(2);
});

test("an empty answer is an answer", async () => {
  expect(await captured((response) => response.writeHead(204).end())).toMatchObject({
    client: "204 ",
    body: "",
    ended: 1,
  });
});
