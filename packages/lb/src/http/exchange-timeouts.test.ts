/** Each of the five limits, and what a target is blamed for. */

import { createServer } from "node:net";
import { createManualClock } from "@headroom/core/testing";
import { expect, onTestFinished, test, vi } from "vitest";
import {
  answering,
  balancing,
  idle,
  listening,
  rejection,
  reply,
  targetStats,
  webServer,
} from "../../test/web-servers.ts";

const silent = (id: string) => webServer(id, () => {});

/** Accepts no TLS: a connection is made, and then nothing comes. */
async function deaf(id: string): Promise<{ id: string; url: string }> {
  const sockets = new Set<{ destroy(): unknown }>();
  const server = createServer((socket) => void sockets.add(socket.on("error", () => {})));
  const port = await listening(server);
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { id, url: `https://127.0.0.1:${port}` };
}

test("connect: nothing was sent, so anything goes elsewhere", async () => {
  const lb = balancing([await deaf("a"), await answering("b")], { connectTimeoutMs: 50 });
  const { body } = await lb.request({ path: "/", method: "POST", body: "x" });
  expect(await body.text()).toBe("b");
  expect(targetStats(lb, "a").failures).toBe(1);
});

test("headers: undici's limit, from the option", async () => {
  const a = await silent("a");
  const lb = balancing([a], { headersTimeoutMs: 100 });
  const error = await rejection(lb.request({ path: "/", method: "GET" }));
  expect(error).toMatchObject({ code: "LB_TIMEOUT", target: "a", attempts: 1, retryable: true });
  expect(error.cause).toMatchObject({ code: "UND_ERR_HEADERS_TIMEOUT" });
  expect(targetStats(lb, "a").failures).toBe(1);
});

test("headers: a request may say otherwise", async () => {
  const lb = balancing([await silent("a")]);
  const request = { path: "/", method: "GET", headersTimeout: 100 } as const;
  expect(await rejection(lb.request(request))).toMatchObject({ code: "LB_TIMEOUT" });
});

test("body: after the headers there is no other attempt", async () => {
  const a = await webServer("a", (_request, response) => {
    response.writeHead(200);
    response.write("half");
  });
  const b = await answering("b");
  const lb = balancing([a, b], { bodyTimeoutMs: 100 });
  const { body } = await lb.request({ path: "/", method: "GET" });
  const error = await rejection(body.text());
  expect(error).toMatchObject({ code: "LB_TIMEOUT", target: "a" });
  expect(error.cause).toMatchObject({ code: "UND_ERR_BODY_TIMEOUT" });
  await idle(lb);
  expect(targetStats(lb, "a").failures).toBe(1);
  expect(b.seen).toEqual([]);
});

test("per try: another target is asked", async () => {
  const clock = createManualClock();
  const [a, b] = [await silent("a"), await answering("b")];
  const lb = balancing([a, b], { clock, perTryTimeoutMs: 200 });
  const answer = lb.request({ path: "/", method: "GET" });
  await vi.waitFor(() => expect(a.seen.length).toBe(1));
  const [socket] = a.sockets;
  await clock.advance(199);
  expect(targetStats(lb, "a").inFlight).toBe(1);
  await clock.advance(1);
  const { body, context } = await answer;
  expect(await body.text()).toBe("b");
  expect(context).toMatchObject({ target: "b", attempts: 2 });
  expect(targetStats(lb, "a")).toMatchObject({ failures: 1, inFlight: 0 });
  await vi.waitFor(() => expect(socket?.destroyed).toBe(true));
});

test("per try: of a request that is not repeatable it is the end, with our own error", async () => {
  const clock = createManualClock();
  const a = await silent("a");
  const lb = balancing([a, await answering("b")], { clock, perTryTimeoutMs: 200 });
  const request = rejection(lb.request({ path: "/", method: "POST", body: "x" }));
  await vi.waitFor(() => expect(a.seen.length).toBe(1));
  await clock.advance(200);
  const error = await request;
  expect(error).toMatchObject({ code: "LB_TIMEOUT", target: "a", attempts: 1 });
  expect(error.message).toContain("200 ms (perTryTimeoutMs)");
  expect(targetStats(lb, "a").failures).toBe(1);
});

test("per try: while it is still connecting, even a POST goes elsewhere", async () => {
  const clock = createManualClock();
  const lb = balancing([await deaf("a"), await answering("b")], { clock, perTryTimeoutMs: 200 });
  const answer = lb.request({ path: "/", method: "POST", body: "x" });
  await clock.advance(200);
  expect(await (await answer).body.text()).toBe("b");
});

test("per try: it ends with the headers, however long the body takes", async () => {
  const clock = createManualClock();
  let finish: (() => void) | undefined;
  const a = await webServer("a", (_request, response) => {
    response.writeHead(200);
    response.write("one ");
    finish = () => response.end("two");
  });
  const lb = balancing([a], { clock, perTryTimeoutMs: 200 });
  const { body } = await lb.request({ path: "/", method: "GET" });
  await clock.advance(10_000);
  finish?.();
  expect(await body.text()).toBe("one two");
});

test("per try: nor does it end an upgraded connection", async () => {
  const clock = createManualClock();
  const a = await webServer("a", () => {});
  a.server.on("upgrade", (_request, socket) => {
    socket.write(
      "HTTP/1.1 101 Switching Protocols\r\nupgrade: echo\r\nconnection: upgrade\r\n\r\n",
    );
    socket.pipe(socket);
  });
  const lb = balancing([a], { clock, perTryTimeoutMs: 200, totalTimeoutMs: 500 });
  const { socket } = await lb.upgrade({ path: "/", protocol: "echo" });
  await clock.advance(10_000);
  expect(socket.destroyed).toBe(false);
  socket.destroy();
});

test("total: over all attempts; the one that had all the time is to blame", async () => {
  const clock = createManualClock();
  const a = await silent("a");
  const lb = balancing([a], { clock, totalTimeoutMs: 1_000 });
  const request = rejection(lb.request({ path: "/", method: "GET" }));
  await vi.waitFor(() => expect(a.seen.length).toBe(1));
  await clock.advance(1_000);
  const error = await request;
  expect(error).toMatchObject({ code: "LB_TIMEOUT", target: "a", attempts: 1 });
  expect(error.message).toContain("1000 ms (totalTimeoutMs)");
  expect(targetStats(lb, "a")).toMatchObject({ failures: 1, inFlight: 0 });
});

test("total: a target that came late is not to blame", async () => {
  const clock = createManualClock();
  const [a, b] = [await silent("a"), await silent("b")];
  const lb = balancing([a, b], { clock, totalTimeoutMs: 1_000, perTryTimeoutMs: 900 });
  const request = rejection(lb.request({ path: "/", method: "GET" }));
  await vi.waitFor(() => expect(a.seen.length).toBe(1));
  await clock.advance(900);
  await vi.waitFor(() => expect(b.seen.length).toBe(1));
  await clock.advance(100);
  expect(await request).toMatchObject({ code: "LB_TIMEOUT", target: "b", attempts: 2 });
  expect(targetStats(lb, "b").failures).toBe(0);
});

test("total: in the middle of the body", async () => {
  const clock = createManualClock();
  const a = await webServer("a", (_request, response) => {
    response.writeHead(200);
    response.write("half");
  });
  const lb = balancing([a], { clock, totalTimeoutMs: 1_000 });
  const { body } = await lb.request({ path: "/", method: "GET" });
  await clock.advance(1_000);
  expect(await rejection(body.text())).toMatchObject({ code: "LB_TIMEOUT", target: "a" });
  await idle(lb);
  expect(targetStats(lb, "a").failures).toBe(0);
});

test("total: while it waits for room", async () => {
  const clock = createManualClock();
  const a = await silent("a");
  const lb = balancing([a], { clock, totalTimeoutMs: 500, maxInFlight: 1 });
  const first = rejection(lb.request({ path: "/1", method: "GET" }));
  await vi.waitFor(() => expect(a.seen.length).toBe(1));
  await clock.advance(200);
  const second = rejection(lb.request({ path: "/2", method: "GET" }));
  a.answer = (_request, response) => reply(response, 200);
  await clock.advance(300);
  expect(await first).toMatchObject({ code: "LB_TIMEOUT" });
  await clock.advance(200);
  expect(await second).not.toMatchObject({ code: "LB_OVERLOADED" });
});

test("no timers are left when a request is over", async () => {
  const clock = createManualClock();
  const a = await answering("a");
  const lb = balancing([a], { clock, perTryTimeoutMs: 1_000, totalTimeoutMs: 1_000, hedge: true });
  const before = clock.pending;
  await (await lb.request({ path: "/", method: "GET" })).body.text();
  await idle(lb);
  await clock.advance(100); // the balancer's own watch for pauses
  expect(clock.pending).toBe(before);
});
