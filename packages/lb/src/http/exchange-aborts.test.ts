/** The caller gives up, at every moment at which it can. */

import { PassThrough } from "node:stream";
import { lbRetry } from "@headroom/core/channels";
import { createManualClock } from "@headroom/core/testing";
import { fetch as undiciFetch } from "undici";
import { expect, onTestFinished, test, vi } from "vitest";
import {
  answering,
  balancing,
  idle,
  rejection,
  reply,
  targetStats,
  webServer,
} from "../../test/web-servers.ts";

const reason = new Error("changed my mind");

const silent = (id: string) => webServer(id, () => {});

test("before anything: nothing is sent", async () => {
  const a = await answering("a");
  const lb = balancing([a]);
  const request = lb.request({ path: "/", method: "GET", signal: AbortSignal.abort(reason) });
  expect(await rejection(request)).toBe(reason);
  expect(targetStats(lb, "a").requests).toBe(0);
});

test("in the handler's own start", async () => {
  const a = await answering("a");
  const lb = balancing([a]);
  const error = await new Promise((resolve) => {
    lb.dispatch(
      { path: "/", method: "GET" },
      {
        onRequestStart: (controller) => controller.abort(reason),
        onResponseError: (controller, error) => {
          expect([controller.aborted, controller.reason]).toEqual([true, reason]);
          resolve(error);
        },
      },
    );
  });
  expect(error).toBe(reason);
  expect(targetStats(lb, "a").requests).toBe(0);
});

test("while it is connecting: at once, and the connection that comes later is not wasted", async () => {
  const a = await answering("a");
  const lb = balancing([a], { connections: 1 });
  const stop = new AbortController();
  const request = rejection(lb.request({ path: "/1", method: "GET", signal: stop.signal }));
  stop.abort(reason);
  expect(lb.stats().inFlight).toBe(0);
  expect(await request).toBe(reason);
  const { body } = await lb.request({ path: "/2", method: "GET" });
  expect(await body.text()).toBe("a");
  expect(a.seen.map(({ path }) => path)).toEqual(["/2"]);
  expect(a.sockets.size).toBe(1);
});

test("an upload that was given up while it was connecting was not touched", async () => {
  const a = await answering("a");
  const lb = balancing([a]);
  const body = new PassThrough();
  body.end("all of it");
  const stop = new AbortController();
  let seen: Error | undefined;
  lb.dispatch(
    { path: "/", method: "POST", body },
    {
      onRequestStart: (controller) =>
        stop.signal.addEventListener("abort", () => controller.abort(reason)),
      onResponseError: (_controller, error) => {
        seen = error;
      },
    },
  );
  stop.abort();
  expect(seen).toBe(reason);
  await vi.waitFor(() => expect(a.sockets.size).toBe(1));
  const again = await lb.request({ path: "/again", method: "POST", body });
  expect(again.statusCode).toBe(200);
  await again.body.dump();
  expect(a.seen.map(({ path }) => path)).toEqual(["/again"]);
});

test("while it waits for the headers: the connection is closed, nobody is blamed", async () => {
  const a = await silent("a");
  const b = await answering("b");
  const lb = balancing([a, b]);
  const stop = new AbortController();
  const request = rejection(lb.request({ path: "/", method: "GET", signal: stop.signal }));
  await vi.waitFor(() => expect(a.seen.length).toBe(1));
  const [socket] = a.sockets;
  stop.abort(reason);
  expect(await request).toBe(reason);
  await vi.waitFor(() => expect(socket?.destroyed).toBe(true));
  expect(targetStats(lb, "a")).toMatchObject({ status: "healthy", failures: 0, inFlight: 0 });
  expect(b.seen).toEqual([]);
});

test("in the middle of the body", async () => {
  const a = await webServer("a", (_request, response) => {
    response.writeHead(200);
    response.write("half");
  });
  const lb = balancing([a]);
  const stop = new AbortController();
  const { body } = await lb.request({ path: "/", method: "GET", signal: stop.signal });
  const [socket] = a.sockets;
  expect(lb.stats().inFlight).toBe(1);
  stop.abort(reason);
  expect(await rejection(body.text())).toBe(reason);
  await vi.waitFor(() => expect(socket?.destroyed).toBe(true));
  await idle(lb);
  expect(targetStats(lb, "a")).toMatchObject({ status: "healthy", failures: 0 });
});

test("by destroying the body", async () => {
  const a = await webServer("a", (_request, response) => {
    response.writeHead(200);
    response.write("half");
  });
  const lb = balancing([a]);
  const { body } = await lb.request({ path: "/", method: "GET" });
  body.on("error", () => {}).destroy();
  await idle(lb);
});

test("fetch: an AbortError, and nothing in flight", async () => {
  const a = await silent("a");
  const lb = balancing([a]);
  const stop = new AbortController();
  const request = rejection(undiciFetch("http://x/", { dispatcher: lb, signal: stop.signal }));
  await vi.waitFor(() => expect(a.seen.length).toBe(1));
  stop.abort();
  expect(await request).toMatchObject({ name: "AbortError" });
  await idle(lb);
});

test("while its failed answer is held: no more attempts", async () => {
  const clock = createManualClock();
  const a = await answering("a", 503, { "retry-after": "1" });
  const b = await answering("b");
  const lb = balancing([a, b], { clock });
  const stop = new AbortController();
  const request = rejection(lb.request({ path: "/", method: "GET", signal: stop.signal }));
  await vi.waitFor(() => expect(targetStats(lb, "a").failures).toBe(1));
  const [socket] = a.sockets;
  stop.abort(reason);
  expect(await request).toBe(reason);
  await clock.advance(10_000);
  expect(b.seen).toEqual([]);
  await vi.waitFor(() => expect(socket?.destroyed).toBe(true));
});

test("in the moment between two attempts: the lease of the second is given back", async () => {
  const a = await answering("a", 503);
  const b = await answering("b");
  const lb = balancing([a, b]);
  let abort: (() => void) | undefined;
  // Published when the target of the retry is chosen, and before it is asked.
  onTestFinished(lbRetry.subscribe(() => abort?.()));
  const error = await new Promise((resolve) => {
    lb.dispatch(
      { path: "/", method: "GET" },
      {
        onRequestStart: (controller) => {
          abort = () => controller.abort(reason);
        },
        onResponseError: (_controller, error) => resolve(error),
      },
    );
  });
  expect(error).toBe(reason);
  await idle(lb);
  expect(b.seen).toEqual([]);
});

test("a thousand callers that give up leave nothing behind", async () => {
  const a = await silent("a");
  const lb = balancing([a], { connections: 10 });
  const stop = new AbortController();
  const requests = Array.from({ length: 1_000 }, () =>
    rejection(lb.request({ path: "/", method: "GET", signal: stop.signal })),
  );
  await vi.waitFor(() => expect(a.seen.length).toBe(10));
  expect(lb.stats().inFlight).toBe(1_000);
  stop.abort(reason);
  expect(new Set(await Promise.all(requests))).toEqual(new Set([reason]));
  expect(lb.stats().inFlight).toBe(0);
  a.answer = (_request, response) => reply(response, 200, "a");
  const { body } = await lb.request({ path: "/", method: "GET" });
  expect(await body.text()).toBe("a");
  expect(a.seen.length).toBe(11);
  expect(a.sockets.size).toBeLessThanOrEqual(10);
});

test("pipelining: an answer that has begun is not asked for again when another one is given up", async () => {
  const a = await webServer("a", (request, response) => {
    response.writeHead(200);
    response.write(`half of ${request.url}`);
  });
  const lb = balancing([a], { connections: 1, pipelining: 2 });
  const stop = new AbortController();
  const one = await lb.request({ path: "/1", method: "GET" });
  const two = rejection(lb.request({ path: "/2", method: "GET", signal: stop.signal }));
  await vi.waitFor(() => expect(a.seen.length).toBe(2));
  stop.abort(reason);
  expect(await two).toBe(reason);
  const error = await rejection(one.body.text());
  expect(error).toMatchObject({ code: "LB_UPSTREAM", target: "a", attempts: 1 });
  await idle(lb);
  expect(a.seen.map(({ path }) => path)).toEqual(["/1", "/2"]);
  expect(targetStats(lb, "a").failures).toBe(0);
});
