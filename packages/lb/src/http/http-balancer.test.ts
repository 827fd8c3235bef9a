/** Targets that come and go, room that there is not, and the end of it all. */

import { once } from "node:events";
import { Readable } from "node:stream";
import { lbDiscovery, lbRejected } from "@headroom/core/channels";
import { createManualClock } from "@headroom/core/testing";
import { expect, onTestFinished, test, vi } from "vitest";
import {
  answering,
  balancing,
  idle,
  inOrder,
  rejection,
  reply,
  targetStats,
  webServer,
} from "../../test/web-servers.ts";
import { targetFeed } from "../discovery/feed.ts";
import { createLoadBalancer, type LoadBalancer } from "./load-balancer.ts";

const silent = (id: string) => webServer(id, () => {});

async function ask(lb: LoadBalancer, path = "/"): Promise<string> {
  const { body } = await lb.request({ path, method: "GET" });
  return body.text();
}

/** Reasons with which requests are turned away during this test. */
function rejections(): string[] {
  const reasons: string[] = [];
  onTestFinished(lbRejected.subscribe(({ reason }) => reasons.push(reason)));
  return reasons;
}

test("targets that are added, removed, drained and resumed", async () => {
  const [a, b] = [await answering("a"), await answering("b")];
  const lb = balancing([a]);
  expect(await ask(lb)).toBe("a");
  const ids = lb.targetIds;
  expect(lb.targetIds).toBe(ids);
  lb.add({ url: b.url, id: "b", weight: 2 });
  expect(lb.targetIds).toEqual(["a", "b"]);
  await lb.drain("a");
  expect(await ask(lb)).toBe("b");
  lb.resume("a");
  expect(await ask(lb)).toBe("a");
  lb.remove("a");
  expect(lb.targetIds).toEqual(["b"]);
  expect(await ask(lb)).toBe("b");
  await vi.waitFor(() => expect(a.sockets.size).toBe(0));
  expect(() => lb.remove("a")).toThrow(RangeError);
  expect(() => lb.add({ url: b.url, id: "b" })).toThrow(RangeError);
});

test("a target that is removed answers what it was asked, and then its connections are closed", async () => {
  let finish: (() => void) | undefined;
  const a = await webServer("a", (_request, response) => {
    response.writeHead(200);
    response.write("one ");
    finish = () => response.end("two");
  });
  const lb = balancing([a, await answering("b")]);
  const { body } = await lb.request({ path: "/", method: "GET" });
  const drained = lb.drain("a");
  lb.remove("a");
  expect(await ask(lb)).toBe("b");
  expect(a.sockets.size).toBe(1);
  finish?.();
  expect(await body.text()).toBe("one two");
  await drained;
  await vi.waitFor(() => expect(a.sockets.size).toBe(0));
});

test("a discovery: requests wait for its first list, and a refresh keeps connections", async () => {
  const [a, b] = [await answering("a"), await answering("b")];
  const feed = targetFeed<string>();
  const lb = balancing([], { targets: feed.discovery });
  const early = ask(lb);
  const ready = lb.ready();
  expect(lb.targetIds).toEqual([]);
  feed.publish([{ id: "a", target: a.url }]);
  await ready;
  expect(await early).toBe("a");
  feed.publish([
    { id: "a", target: a.url, weight: 3 },
    { id: "b", target: b.url },
  ]);
  await vi.waitFor(() => expect(lb.targetIds).toEqual(["a", "b"]));
  expect(await ask(lb)).toBe("a");
  expect(targetStats(lb, "a")).toMatchObject({ requests: 2, weight: 3 });
  expect(a.sockets.size).toBe(1);
  feed.publish([{ id: "b", target: b.url }]);
  await vi.waitFor(() => expect(lb.targetIds).toEqual(["b"]));
  expect(await ask(lb)).toBe("b");
  await vi.waitFor(() => expect(a.sockets.size).toBe(0));
});

test("a discovery whose list has a mistake is reported, and the last one stays", async () => {
  const a = await answering("a");
  const feed = targetFeed<string>();
  const lb = balancing([], { targets: feed.discovery });
  feed.publish([{ id: "a", target: a.url }]);
  expect(await ask(lb)).toBe("a");
  const reported = new Promise((resolve) => {
    onTestFinished(lbDiscovery.subscribe(resolve));
  });
  feed.publish([{ id: "b", target: "ftp://nowhere" }]);
  expect(await reported).toMatchObject({ pool: "default", code: "TypeError" });
  expect(await ask(lb)).toBe("a");
  const b = await answering("b");
  feed.publish([{ id: "b", target: b.url }]);
  await vi.waitFor(() => expect(lb.targetIds).toEqual(["b"]));
});

test("no targets", async () => {
  const reasons = rejections();
  const lb = createLoadBalancer({ targets: [] });
  const error = await rejection(lb.request({ path: "/", method: "GET" }));
  expect(error).toMatchObject({ code: "LB_NO_TARGET", attempts: 0 });
  expect(reasons).toEqual(["no-target"]);
  await lb.close();
});

test("no room: requests wait in order, and are told when it is too much or too long", async () => {
  const reasons = rejections();
  const clock = createManualClock();
  const a = await silent("a");
  const lb = balancing([a], { clock, maxInFlight: 1, maxQueued: 2, queueTimeoutMs: 500 });
  const send = (path: string) => lb.request({ path, method: "GET" });
  const first = send("/1");
  await vi.waitFor(() => expect(a.seen.length).toBe(1));
  const second = send("/2");
  const third = rejection(send("/3"));
  await vi.waitFor(() => expect(lb.stats().queued).toBe(2));
  expect(await rejection(send("/4"))).toMatchObject({ code: "LB_OVERLOADED", attempts: 0 });
  expect(reasons).toEqual(["overloaded"]);
  const answerNow = vi.fn((_request, response) => reply(response, 200, "late"));
  a.answer = answerNow;
  const [socket] = a.sockets;
  expect(lb.stats()).toMatchObject({ inFlight: 1, queued: 2 });
  socket?.destroy();
  await rejection(first);
  expect(await (await second).body.text()).toBe("late");
  expect(await third).toMatchObject({ message: "it did not reject" });
  await idle(lb);
});

test("no room: a wait that is too long is over", async () => {
  const reasons = rejections();
  const clock = createManualClock();
  const a = await silent("a");
  const lb = balancing([a], { clock, maxInFlight: 1, queueTimeoutMs: 500 });
  const stop = new AbortController();
  const first = rejection(lb.request({ path: "/1", method: "GET", signal: stop.signal }));
  await vi.waitFor(() => expect(a.seen.length).toBe(1));
  const second = rejection(lb.request({ path: "/2", method: "GET" }));
  await clock.advance(500);
  expect(await second).toMatchObject({ code: "LB_OVERLOADED" });
  expect(reasons).toEqual(["queue-timeout"]);
  stop.abort();
  await first;
});

test("no room: who gives up while it waits leaves the queue", async () => {
  const a = await silent("a");
  const lb = balancing([a], { maxInFlight: 1 });
  const stop = new AbortController();
  const first = rejection(lb.request({ path: "/1", method: "GET", signal: stop.signal }));
  await vi.waitFor(() => expect(a.seen.length).toBe(1));
  const reason = new Error("enough");
  const impatient = new AbortController();
  const second = rejection(lb.request({ path: "/2", method: "GET", signal: impatient.signal }));
  await vi.waitFor(() => expect(lb.stats().queued).toBe(1));
  impatient.abort(reason);
  expect(await second).toBe(reason);
  await vi.waitFor(() => expect(lb.stats().queued).toBe(0));
  stop.abort();
  await first;
});

test("no room: a failed request waits for its retry, though its own room was taken", async () => {
  const a = await answering("a", 503);
  const b = await silent("b");
  const lb = balancing([a, b], { maxInFlight: 1 });
  const failing = ask(lb, "/1");
  // Takes the room that the failed attempt of the first one leaves.
  const other = ask(lb, "/2");
  b.answer = (request, response) => reply(response, 200, `b ${request.url}`);
  expect(await failing).toBe("b /1");
  expect(await other).toBe("b /2");
});

test("dispatch says false when a request had to wait, and drain when nobody does", async () => {
  const a = await silent("a");
  const lb = balancing([a], { maxInFlight: 1 });
  const handler = {
    onRequestStart() {},
    onResponseStart() {},
    onResponseData() {},
    onResponseEnd() {},
    onResponseError() {},
  };
  expect(lb.dispatch({ path: "/", method: "GET" }, handler)).toBe(true);
  await vi.waitFor(() => expect(a.seen.length).toBe(1));
  a.answer = (_request, response) => reply(response, 200);
  expect(lb.dispatch({ path: "/", method: "GET" }, handler)).toBe(false);
  const drained = once(lb, "drain");
  a.sockets.forEach((socket) => void socket.destroy());
  await drained;
});

test("active checks take a server out", async () => {
  const clock = createManualClock();
  const [a, b] = [await answering("a"), await answering("b")];
  let isFit = false;
  a.answer = (request, response) => {
    reply(response, request.url === "/healthz" && !isFit ? 503 : 200, "a");
  };
  const lb = balancing([a, b], { clock, check: { path: "/healthz", intervalMs: 1_000 } });
  const checks = () => a.seen.filter(({ path }) => path === "/healthz").length;
  const until = async (done: () => boolean): Promise<void> => {
    await vi.waitFor(async () => {
      await clock.advance(500);
      expect(done()).toBe(true);
    });
  };
  await until(() => targetStats(lb, "a").failsChecks);
  expect(checks()).toBeGreaterThanOrEqual(3);
  expect(await ask(lb)).toBe("b");
  isFit = true;
  await until(() => !targetStats(lb, "a").failsChecks);
  expect(await ask(lb)).toBe("a");
});

test("close: what is under way ends, and nothing new begins", async () => {
  let finish: (() => void) | undefined;
  const a = await webServer("a", (_request, response) => {
    response.writeHead(200);
    response.write("one ");
    finish = () => response.end("two");
  });
  const lb = createLoadBalancer({ targets: [a.url] });
  const { body } = await lb.request({ path: "/", method: "GET" });
  let isClosed = false;
  const closed = lb.close().then(() => {
    isClosed = true;
  });
  expect(lb.closed).toBe(true);
  const error = await rejection(lb.request({ path: "/", method: "GET" }));
  expect(error).toMatchObject({ code: "LB_CLOSED", retryable: false });
  expect(isClosed).toBe(false);
  finish?.();
  expect(await body.text()).toBe("one two");
  await closed;
  await lb.close();
  await vi.waitFor(() => expect(a.sockets.size).toBe(0));
});

test("close while requests wait for the first targets", async () => {
  const lb = createLoadBalancer({ targets: targetFeed<string>().discovery });
  const waiting = rejection(lb.request({ path: "/", method: "GET" }));
  await lb.close();
  expect(await waiting).toMatchObject({ code: "LB_CLOSED" });
});

test("destroy: everything ends with its reason, wherever it was", async () => {
  const clock = createManualClock();
  const sending = await silent("a");
  const answeringNow = await webServer("b", (_request, response) => {
    response.writeHead(200);
    response.write("half");
  });
  const held = await answering("c", 503, { "retry-after": "1" });
  const targets = [sending, answeringNow, held].map(({ id, url }) => ({ id, url }));
  const lb = createLoadBalancer({ targets, policy: inOrder, clock, maxInFlight: 3 });
  const to = (prefer: string) => lb.request({ path: "/", method: "GET", routing: { prefer } });
  const sent = rejection(to("a"));
  const answered = await to("b");
  const waits = rejection(to("c"));
  const stuck = rejection(to("a"));
  await vi.waitFor(() => {
    expect(sending.seen.length).toBeGreaterThanOrEqual(1);
    expect(targetStats(lb, "c").failures).toBe(1);
  });
  const queued = rejection(to("a"));
  const reason = new Error("the process ends");
  const destroyed = lb.destroy(reason);
  for (const each of [sent, waits, stuck, queued, rejection(answered.body.text())]) {
    expect(await each).toBe(reason);
  }
  await destroyed;
  expect(lb.destroyed).toBe(true);
  expect(lb.stats().inFlight).toBe(0);
  expect(await rejection(to("a"))).toMatchObject({ code: "LB_CLOSED" });
  for (const { sockets } of [sending, answeringNow, held]) {
    await vi.waitFor(() => expect(sockets.size).toBe(0));
  }
});

test("destroy without a reason says LB_CLOSED", async () => {
  const a = await silent("a");
  const lb = createLoadBalancer({ targets: [a.url], name: "api" });
  const request = rejection(lb.request({ path: "/", method: "POST", body: Readable.from(["x"]) }));
  await vi.waitFor(() => expect(a.seen.length).toBe(1));
  await lb.destroy();
  expect(await request).toMatchObject({ code: "LB_CLOSED", pool: "api" });
});

test("statistics", async () => {
  const a = await answering("a");
  const lb = balancing([a], { name: "api" });
  await ask(lb);
  expect(lb.stats()).toMatchObject({
    name: "api",
    inFlight: 0,
    queued: 0,
    retryBudget: 100,
    targets: [{ id: "a", status: "healthy", requests: 1, failures: 0 }],
  });
});
