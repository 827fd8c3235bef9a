/** What the caller sees of one request; retries, aborts, timeouts and hedges have tests of their own. */

import { once } from "node:events";
import { PassThrough, Readable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { createManualClock } from "@headroom/core/testing";
import type { Dispatcher } from "undici";
import { expect, test, vi } from "vitest";
import {
  answering,
  balancing,
  idle,
  rejection,
  reply,
  targetStats,
  webServer,
} from "../../test/web-servers.ts";
import type { LoadBalancer } from "./load-balancer.ts";

/** All that a handler of the newer kind is told, as lines. */
function listen(lb: LoadBalancer, options: Dispatcher.DispatchOptions) {
  const heard: string[] = [];
  let controller: Dispatcher.DispatchController | undefined;
  const over = new Promise<string[]>((resolve) => {
    lb.dispatch(options, {
      onRequestStart(given) {
        controller = given;
        heard.push("start");
      },
      onResponseStart(_controller, statusCode, headers) {
        heard.push(`${statusCode} ${String(headers["x-mark"] ?? "")}`.trim());
      },
      onResponseData(_controller, chunk) {
        heard.push(`data ${chunk}`);
      },
      onResponseEnd(given, trailers) {
        heard.push(`end ${JSON.stringify(trailers)}`);
        expect(given).toBe(controller);
        resolve(heard);
      },
      onResponseError(_controller, error) {
        heard.push(`error ${(error as { code?: string }).code}`);
        resolve(heard);
      },
    });
  });
  return { heard, over, controller: () => controller as Dispatcher.DispatchController };
}

test("one start, interim answers, one answer, its data, its end", async () => {
  const a = await webServer("a", (_request, response) => {
    response.writeProcessing();
    response.writeEarlyHints({ link: "</a.css>; rel=preload", "x-mark": "hint" });
    reply(response, 200, "hello", { "x-mark": "final", "content-length": "5" });
  });
  const lb = balancing([a]);
  const { over } = listen(lb, { path: "/", method: "GET" });
  expect(await over).toEqual(["start", "102", "103 hint", "200 final", "data hello", "end {}"]);
});

test("of an answer that is tried again nothing is told", async () => {
  const a = await answering("a", 503, { "x-mark": "failed" });
  const b = await answering("b", 200, { "x-mark": "fine" });
  const lb = balancing([a, b]);
  const { over } = listen(lb, { path: "/", method: "GET" });
  expect(await over).toEqual(["start", "200 fine", "data b", "end {}"]);
  expect([a.seen.length, b.seen.length]).toEqual([1, 1]);
});

test.each([
  ["HEAD", 200, { "content-length": "1000" }],
  ["GET", 204, {}],
  ["GET", 304, { etag: '"1"' }],
] as const)(
  "%s with %i: no body, and the connection is free again",
  async (method, status, headers) => {
    const a = await webServer("a", (_request, response) => {
      response.writeHead(status, headers);
      response.end();
    });
    const lb = balancing([a]);
    const answer = await lb.request({ path: "/", method });
    expect([answer.statusCode, await answer.body.text()]).toEqual([status, ""]);
    for (const [name, value] of Object.entries(headers)) expect(answer.headers[name]).toBe(value);
    await idle(lb);
    expect(targetStats(lb, "a")).toMatchObject({ requests: 1, failures: 0 });
  },
);

test("a slow reader does not make us hold the whole answer", async () => {
  const size = 64 * 1024 * 1024;
  let written = 0;
  const a = await webServer("a", (_request, response) => {
    const source = new Readable({
      read() {
        const chunk = Buffer.alloc(64 * 1024);
        written += chunk.length;
        this.push(written <= size ? chunk : null);
      },
    });
    source.pipe(response);
  });
  const lb = balancing([a]);
  const { body } = await lb.request({ path: "/", method: "GET" });
  await once(body, "readable");
  // Until nothing more moves: what was written then is what the buffers of sockets and streams hold.
  let before = -1;
  await vi.waitFor(
    () => {
      const now = written;
      const hasStopped = now === before;
      before = now;
      expect(hasStopped).toBe(true);
    },
    { interval: 100, timeout: 5_000 },
  );
  expect(written).toBeLessThan(size / 2);
  expect(lb.stats().inFlight).toBe(1);
  expect((await buffer(body)).length).toBe(size);
});

test("a handler of the newer kind may pause and resume", async () => {
  const a = await webServer("a", (_request, response) => {
    response.write("one");
    setImmediate(() => response.end("two"));
  });
  const lb = balancing([a]);
  const heard: string[] = [];
  await new Promise<void>((resolve, reject) => {
    lb.dispatch(
      { path: "/", method: "GET" },
      {
        onRequestStart() {},
        onResponseStart(controller) {
          controller.pause();
          expect(controller.paused).toBe(true);
          heard.push("paused");
          setImmediate(() => {
            heard.push("resumed");
            controller.resume();
          });
        },
        onResponseData(controller, chunk) {
          heard.push(String(chunk));
          controller.pause();
          setImmediate(() => controller.resume());
        },
        onResponseEnd: () => resolve(),
        onResponseError: (_controller, error) => reject(error),
      },
    );
  });
  expect(heard.join(" ")).toBe("paused resumed one two");
});

test("a stream is sent as it comes, with backpressure, and needs no memory", async () => {
  const size = 8 * 1024 * 1024;
  const a = await webServer("a", async (request, response) => {
    const body = await buffer(request);
    reply(response, 200, String(body.length));
  });
  const lb = balancing([a]);
  let left = size;
  const body = new Readable({
    read() {
      const chunk = Math.min(left, 64 * 1024);
      left -= chunk;
      this.push(chunk === 0 ? null : Buffer.alloc(chunk));
    },
  });
  for (const method of ["POST", "PUT"]) {
    left = size;
    const source =
      method === "POST" ? body : Readable.from([Buffer.alloc(size / 2), Buffer.alloc(size / 2)]);
    const answer = await lb.request({ path: "/", method, body: source });
    expect(await answer.body.text()).toBe(String(size));
  }
});

test("an answer before the body was sent to its end", async () => {
  const a = await webServer("a", (_request, response) => reply(response, 413, "too large"));
  const lb = balancing([a]);
  const body = new PassThrough();
  body.write("the beginning");
  const answer = await lb.request({ path: "/", method: "POST", body });
  expect([answer.statusCode, await answer.body.text()]).toEqual([413, "too large"]);
  await idle(lb);
  expect(targetStats(lb, "a").failures).toBe(0);
  expect(body.destroyed).toBe(true);
});

test("a body that breaks off is the caller's error, not the target's", async () => {
  const a = await webServer("a", (request) => request.on("error", () => {}).resume());
  const b = await answering("b");
  const lb = balancing([a, b]);
  const broken = new Error("the disk is gone");
  for (const method of ["POST", "PUT"]) {
    const body = new Readable({ read() {} });
    body.push("the beginning");
    const answer = rejection(lb.request({ path: "/", method, body }));
    await vi.waitFor(() => expect(a.seen.at(-1)?.method).toBe(method));
    body.destroy(broken);
    expect(await answer).toBe(broken);
  }
  await idle(lb);
  expect(b.seen).toEqual([]);
  expect(targetStats(lb, "a")).toMatchObject({ status: "healthy", failures: 0 });
});

test("an answer that breaks off is an error for the caller and a failure of the target", async () => {
  const a = await webServer("a", (_request, response) => {
    response.writeHead(200, { "content-length": "10" });
    response.write("half", () => response.destroy());
  });
  const b = await answering("b");
  const lb = balancing([a, b]);
  const { statusCode, body } = await lb.request({ path: "/", method: "GET" });
  expect(statusCode).toBe(200);
  const error = await rejection(text(body));
  expect(error).toMatchObject({ code: "LB_UPSTREAM", target: "a", attempts: 1 });
  expect(error.cause).toBeInstanceOf(Error);
  await idle(lb);
  expect(targetStats(lb, "a")).toMatchObject({ status: "suspect", failures: 1 });
  expect(b.seen).toEqual([]);
});

test("an answer that is no HTTP", async () => {
  const a = await webServer("a", (request) => {
    request.socket.end("HTTP/1.1 abc\r\n\r\n");
  });
  const lb = balancing([a]);
  const error = await rejection(lb.request({ path: "/", method: "POST" }));
  expect(error).toMatchObject({ code: "LB_UPSTREAM", target: "a" });
  expect(targetStats(lb, "a").failures).toBe(1);
});

test("what is measured is the time to the headers, not to the end of a slow body", async () => {
  const clock = createManualClock();
  let finish: (() => void) | undefined;
  const a = await webServer("a", (_request, response) => {
    response.writeHead(200);
    response.write("now");
    finish = () => response.end();
  });
  const lb = balancing([a], { clock });
  const { body } = await lb.request({ path: "/", method: "GET" });
  await clock.advance(10_000);
  finish?.();
  await body.text();
  await idle(lb);
  expect(targetStats(lb, "a").latencyMs).toBeLessThan(1);
});

test("what the caller's handler throws ends the request, and only that", async () => {
  const a = await webServer("a", (_request, response) => reply(response, 200, "hello"));
  const lb = balancing([a]);
  const mistake = new Error("a mistake in the application");
  for (const event of ["onRequestStart", "onResponseStart", "onResponseData", "onResponseEnd"]) {
    const error = await new Promise((resolve) => {
      lb.dispatch(
        { path: "/", method: "GET" },
        {
          onRequestStart() {},
          onResponseStart() {},
          onResponseData() {},
          onResponseEnd() {},
          onResponseError: (_controller, reason) => resolve(reason),
          [event]() {
            throw mistake;
          },
        },
      );
    });
    expect(error).toBe(mistake);
    await idle(lb);
  }
  expect(targetStats(lb, "a")).toMatchObject({ status: "healthy", failures: 0 });
});

test("the older kind of handler hears of sending and of the first byte", async () => {
  const a = await webServer("a", async (request, response) =>
    reply(response, 200, await text(request)),
  );
  const lb = balancing([a]);
  const heard: string[] = [];
  await new Promise<void>((resolve, reject) => {
    const handler = {
      onConnect: () => heard.push("connect"),
      onBodySent: (chunk: unknown) => heard.push(`sent ${chunk}`),
      onRequestSent: () => heard.push("all sent"),
      onResponseStarted: () => heard.push("started"),
      onHeaders: (statusCode: number) => heard.push(String(statusCode)) > 0,
      onData: () => true,
      onComplete: () => resolve(),
      onError: reject,
    };
    lb.dispatch({ path: "/", method: "POST", body: "ping" }, handler as never);
  });
  expect(heard).toEqual(["connect", "sent ping", "all sent", "started", "200"]);
});
