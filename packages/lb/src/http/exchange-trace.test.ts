/** What telemetry hears of requests and attempts, over real servers. */

import { lbAttempt, lbRequest } from "@headroom/core/channels";
import { createManualClock } from "@headroom/core/testing";
import { expect, onTestFinished, test, vi } from "vitest";
import {
  answering,
  balancing,
  idle,
  refusing,
  rejection,
  webServer,
} from "../../test/web-servers.ts";

/** All contexts in the order of their ends, with the stages they went through. */
function record() {
  const requests: object[] = [];
  const attempts: object[] = [];
  const stages: string[] = [];
  const note = (what: string, stage: string) => () => void stages.push(`${what} ${stage}`);
  onTestFinished(
    lbRequest.subscribe({
      start: note("request", "start"),
      error: note("request", "error"),
      asyncEnd: (context) => {
        note("request", "end")();
        requests.push({ ...context });
      },
    }),
  );
  onTestFinished(
    lbAttempt.subscribe({
      start: note("attempt", "start"),
      error: note("attempt", "error"),
      asyncEnd: (context) => {
        note("attempt", "end")();
        attempts.push({ ...context });
      },
    }),
  );
  return { requests, attempts, stages };
}

test("a request that is tried twice", async () => {
  const heard = record();
  const lb = balancing([await answering("a", 503), await answering("b")], { name: "api" });
  await (await lb.request({ path: "/", method: "GET" })).body.text();
  await vi.waitFor(() => expect(heard.requests.length).toBe(1));
  expect(heard.requests).toEqual([
    { pool: "api", method: "GET", backend: "b", attempts: 2, statusCode: 200 },
  ]);
  const common = { pool: "api", hedge: false };
  expect(heard.attempts).toEqual([
    { ...common, backend: "a", attempt: 1, outcome: "failure", statusCode: 503 },
    { ...common, backend: "b", attempt: 2, outcome: "success", statusCode: 200 },
  ]);
});

test("a request that fails", async () => {
  const heard = record();
  const lb = balancing([await refusing("a")]);
  const error = await rejection(lb.request({ path: "/", method: "GET" }));
  await vi.waitFor(() => expect(heard.requests.length).toBe(1));
  expect(heard.stages).toEqual([
    "request start",
    "attempt start",
    "attempt error",
    "attempt end",
    "request error",
    "request end",
  ]);
  expect(heard.requests[0]).toMatchObject({ backend: "a", attempts: 1, error });
  expect(heard.attempts[0]).toMatchObject({ outcome: "failure", error: error.cause });
  expect(heard.requests[0]).not.toHaveProperty("statusCode");
});

test("a request that finds no target", async () => {
  const heard = record();
  const lb = balancing([]);
  const error = await rejection(lb.request({ path: "/", method: "GET" }));
  await vi.waitFor(() => expect(heard.requests.length).toBe(1));
  expect(heard.requests).toEqual([{ pool: "default", method: "GET", attempts: 0, error }]);
  expect(heard.attempts).toEqual([]);
});

test("a request that is given up", async () => {
  const heard = record();
  const a = await webServer("a", () => {});
  const lb = balancing([a]);
  const stop = new AbortController();
  const request = rejection(lb.request({ path: "/", method: "GET", signal: stop.signal }));
  await vi.waitFor(() => expect(a.seen.length).toBe(1));
  stop.abort();
  await request;
  await vi.waitFor(() => expect(heard.attempts.length).toBe(1));
  expect(heard.attempts[0]).toMatchObject({ outcome: "abandoned", attempt: 1 });
});

test("an upgraded connection: the request ends with the upgrade, the attempt with the socket", async () => {
  const heard = record();
  const a = await webServer("a", () => {});
  a.server.on("upgrade", (_request, socket) => {
    socket.write(
      "HTTP/1.1 101 Switching Protocols\r\nupgrade: echo\r\nconnection: upgrade\r\n\r\n",
    );
    socket.resume();
  });
  const lb = balancing([a]);
  const { socket } = await lb.upgrade({ path: "/", protocol: "echo" });
  await vi.waitFor(() => expect(heard.requests.length).toBe(1));
  expect(heard.attempts).toEqual([]);
  socket.destroy();
  await vi.waitFor(() => expect(heard.attempts.length).toBe(1));
  expect(heard.attempts[0]).toMatchObject({ outcome: "success", statusCode: 101 });
});

test("a hedge is marked", async () => {
  const clock = createManualClock();
  const [a, b] = [await answering("a"), await answering("b")];
  const lb = balancing([a, b], { clock, hedge: { minSamples: 1, minDelayMs: 10, budgetRatio: 1 } });
  await (await lb.request({ path: "/", method: "GET" })).body.text();
  const heard = record();
  a.seen.length = 0;
  a.answer = () => {};
  const answer = lb.request({ path: "/", method: "GET" });
  await vi.waitFor(() => expect(a.seen.length).toBe(1));
  await clock.advance(10);
  await (await answer).body.text();
  await idle(lb);
  await vi.waitFor(() => expect(heard.attempts.length).toBe(2));
  expect(heard.attempts).toMatchObject([
    { backend: "a", attempt: 1, hedge: false, outcome: "abandoned" },
    { backend: "b", attempt: 2, hedge: true, outcome: "success" },
  ]);
});

test("a subscriber that throws disturbs nothing", async () => {
  const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
  onTestFinished(() => warned.mockRestore());
  onTestFinished(
    lbRequest.subscribe({
      start: () => {
        throw new Error("a mistake");
      },
    }),
  );
  const lb = balancing([await answering("a")]);
  expect((await lb.request({ path: "/", method: "GET" })).statusCode).toBe(200);
});
