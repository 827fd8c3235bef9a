/** Second attempts beside slow first ones, against real servers. */

import type { RequestListener } from "node:http";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { lbRetry } from "@headroom/core/channels";
import { createManualClock, type ManualClock } from "@headroom/core/testing";
import { expect, onTestFinished, test, vi } from "vitest";
import {
  balancing,
  idle,
  refusing,
  rejection,
  reply,
  targetStats,
  type WebServer,
  webServer,
} from "../../test/web-servers.ts";
import type { LoadBalancer, LoadBalancerOptions } from "./load-balancer.ts";

const silent: RequestListener = () => {};
const fast =
  (id: string): RequestListener =>
  (request, response) => {
    request.resume();
    reply(response, 200, id);
  };

interface Pair {
  readonly a: WebServer;
  readonly b: WebServer;
  readonly lb: LoadBalancer;
  readonly clock: ManualClock;
}

/** Two servers of which a is asked first. Enough is known to hedge after 10 ms, and two are earned. */
async function hedging(options: Partial<LoadBalancerOptions> = {}): Promise<Pair> {
  const clock = createManualClock();
  const [a, b] = [await webServer("a", fast("a")), await webServer("b", fast("b"))];
  const lb = balancing([a, b], {
    clock,
    hedge: { minDelayMs: 10, minSamples: 20, budgetRatio: 0.05 },
    ...options,
  });
  for (let sent = 0; sent < 40; sent++) {
    await (await lb.request({ path: "/", method: "GET" })).body.text();
  }
  a.seen.length = 0;
  a.answer = silent;
  return { a, b, lb, clock };
}

test("the second answers first: it wins, and the first is let go without blame", async () => {
  const { a, b, lb, clock } = await hedging();
  const decisions: string[] = [];
  onTestFinished(
    lbRetry.subscribe(({ backend, decision }) => decisions.push(`${backend} ${decision}`)),
  );
  const answer = lb.request({ path: "/", method: "GET" });
  await vi.waitFor(() => expect(a.seen.length).toBe(1));
  await clock.advance(9);
  expect(b.seen).toEqual([]);
  await clock.advance(1);
  const { body, context } = await answer;
  expect(await body.text()).toBe("b");
  expect(context).toMatchObject({ target: "b", attempts: 2 });
  await idle(lb);
  expect(targetStats(lb, "a")).toMatchObject({ status: "healthy", failures: 0 });
  expect(decisions).toEqual(["a hedged"]);
});

test("the first answers after all: the second is let go", async () => {
  const { a, b, lb, clock } = await hedging();
  b.answer = silent;
  let late: (() => void) | undefined;
  a.answer = (_request, response) => {
    late = () => reply(response, 200, "late");
  };
  const answer = lb.request({ path: "/", method: "GET" });
  await vi.waitFor(() => expect(a.seen.length).toBe(1));
  await clock.advance(10);
  await vi.waitFor(() => expect(b.seen.length).toBe(1));
  expect(lb.stats().inFlight).toBe(2);
  late?.();
  const { body, context } = await answer;
  expect([await body.text(), context]).toMatchObject(["late", { target: "a" }]);
  await idle(lb);
  expect(targetStats(lb, "b").failures).toBe(0);
});

test.each([
  ["a failed answer", (_request, response) => reply(response, 503, "b")],
  ["a broken connection", (request) => void request.socket.resetAndDestroy()],
] satisfies [string, RequestListener][])(
  "%s of the second does not end the first",
  async (_how, broken) => {
    const { a, b, lb, clock } = await hedging();
    let late: (() => void) | undefined;
    a.answer = (_request, response) => {
      late = () => reply(response, 200, "late");
    };
    b.answer = broken;
    const answer = lb.request({ path: "/", method: "GET" });
    await vi.waitFor(() => expect(a.seen.length).toBe(1));
    await clock.advance(10);
    await vi.waitFor(() => expect(targetStats(lb, "b").failures).toBe(1));
    late?.();
    expect(await (await answer).body.text()).toBe("late");
  },
);

test.each([
  ["a failed answer", (_request, response) => reply(response, 503, "a")],
  ["a broken connection", (request) => void request.socket.resetAndDestroy()],
] satisfies [string, RequestListener][])(
  "%s of the first leaves it to the second",
  async (_how, broken) => {
    const { a, b, lb, clock } = await hedging();
    let breakNow: (() => void) | undefined;
    a.answer = (request, response) => {
      breakNow = () => broken(request, response);
    };
    let late: (() => void) | undefined;
    b.answer = (_request, response) => {
      late = () => reply(response, 200, "b");
    };
    const answer = lb.request({ path: "/", method: "GET" });
    await vi.waitFor(() => expect(a.seen.length).toBe(1));
    await clock.advance(10);
    await vi.waitFor(() => expect(b.seen.length).toBe(1));
    breakNow?.();
    await vi.waitFor(() => expect(targetStats(lb, "a").failures).toBe(1));
    late?.();
    expect(await (await answer).body.text()).toBe("b");
  },
);

test("both fail: the failure of the last is the answer", async () => {
  const { a, b, lb, clock } = await hedging({ retry: { attempts: 2 } });
  let breakNow: (() => void) | undefined;
  a.answer = (request) => {
    breakNow = () => void request.socket.resetAndDestroy();
  };
  b.answer = (_request, response) => reply(response, 503, "b");
  const answer = lb.request({ path: "/", method: "GET" });
  await vi.waitFor(() => expect(a.seen.length).toBe(1));
  await clock.advance(10);
  await vi.waitFor(() => expect(targetStats(lb, "b").failures).toBe(1));
  breakNow?.();
  expect(await rejection(answer)).toMatchObject({ code: "LB_UPSTREAM", target: "a", attempts: 2 });
});

test("the caller gives up: both are let go", async () => {
  const { a, b, lb, clock } = await hedging();
  b.answer = silent;
  const stop = new AbortController();
  const answer = rejection(lb.request({ path: "/", method: "GET", signal: stop.signal }));
  await vi.waitFor(() => expect(a.seen.length).toBe(1));
  await clock.advance(10);
  await vi.waitFor(() => expect(b.seen.length).toBe(1));
  const reason = new Error("enough");
  stop.abort(reason);
  expect(await answer).toBe(reason);
  expect(lb.stats().inFlight).toBe(0);
});

test.each([
  ["what is not repeatable", { method: "POST", body: "x" }],
  ["a body that is not here yet", { method: "PUT", body: new PassThrough() }],
] as const)("not %s", async (_what, options) => {
  const { a, b, lb, clock } = await hedging();
  const stop = new AbortController();
  const answer = rejection(lb.request({ path: "/", ...options, signal: stop.signal }));
  if (options.method === "PUT") options.body.write("the beginning");
  await vi.waitFor(() => expect(a.seen.length).toBe(1));
  await clock.advance(1_000);
  expect(b.seen).toEqual([]);
  stop.abort();
  await answer;
});

test("a body that has come in full is sent to both", async () => {
  const { a, b, lb, clock } = await hedging();
  b.answer = async (request, response) => reply(response, 200, await text(request));
  const body = new PassThrough();
  body.end("all of it");
  const got = new Promise<string>((resolve) => {
    a.answer = async (request) => resolve(await text(request));
  });
  const answer = lb.request({ path: "/", method: "PUT", body });
  expect(await got).toBe("all of it");
  await clock.advance(10);
  expect(await (await answer).body.text()).toBe("all of it");
});

test("not when there is no other target, nor in panic, nor beyond its budget", async () => {
  const { a, b, lb, clock } = await hedging();
  const pending: Promise<unknown>[] = [];
  const stop = new AbortController();
  const ask = async (): Promise<void> => {
    const before = a.seen.length;
    pending.push(rejection(lb.request({ path: "/", method: "GET", signal: stop.signal })));
    await vi.waitFor(() => expect(a.seen.length).toBe(before + 1));
    await clock.advance(10);
  };
  b.answer = silent;
  await ask();
  await ask();
  await vi.waitFor(() => expect(b.seen.length).toBe(2));
  // 40 requests earned two hedges; these two themselves a tenth of one.
  await ask();
  await new Promise((resolve) => setImmediate(resolve));
  expect(b.seen.length).toBe(2);
  stop.abort();
  await Promise.all(pending);
});

test("a hedge that meets a server which is gone costs nothing", async () => {
  const { a, b, lb, clock } = await hedging();
  await b.stop();
  let late: (() => void) | undefined;
  a.answer = (_request, response) => {
    late = () => reply(response, 200, "late");
  };
  const answer = lb.request({ path: "/", method: "GET" });
  await vi.waitFor(() => expect(a.seen.length).toBe(1));
  await clock.advance(10);
  await vi.waitFor(() => expect(targetStats(lb, "b").failures).toBe(1));
  late?.();
  expect(await (await answer).body.text()).toBe("late");
});

test("with one target there is nothing to hedge with", async () => {
  const clock = createManualClock();
  const a = await webServer("a", fast("a"));
  const lb = balancing([a], { clock, hedge: { minSamples: 1, minDelayMs: 10, budgetRatio: 1 } });
  for (let sent = 0; sent < 3; sent++) {
    await (await lb.request({ path: "/", method: "GET" })).body.text();
  }
  let late: (() => void) | undefined;
  a.answer = (_request, response) => {
    late = () => reply(response, 200, "late");
  };
  const answer = lb.request({ path: "/", method: "GET" });
  await vi.waitFor(() => expect(a.seen.length).toBe(4));
  await clock.advance(1_000);
  expect(lb.stats().inFlight).toBe(1);
  late?.();
  const { context, body } = await answer;
  await body.dump();
  expect(context).toMatchObject({ attempts: 1 });
});

test("in panic nothing is hedged", async () => {
  const gone = await refusing("b");
  const clock = createManualClock();
  const a = await webServer("a", fast("a"));
  const lb = balancing([a, gone, { ...gone, id: "c" }, { ...gone, id: "d" }], {
    clock,
    hedge: { minSamples: 1, minDelayMs: 10, budgetRatio: 1 },
    health: { consecutiveFailures: 1, maxEjectedShare: 1 },
  });
  await (await lb.request({ path: "/", method: "GET" })).body.text();
  a.answer = (_request, response) => reply(response, 503);
  for (let sent = 0; sent < 2; sent++) {
    await lb.request({ path: "/", method: "GET" }).then(
      ({ body }) => body.dump(),
      () => {},
    );
  }
  a.answer = silent;
  const before = a.seen.length;
  const stop = new AbortController();
  const answer = rejection(lb.request({ path: "/", method: "GET", signal: stop.signal }));
  await vi.waitFor(() => expect(a.seen.length).toBe(before + 1));
  expect(lb.stats().panickingPriorities).toEqual([0]);
  await clock.advance(1_000);
  expect(lb.stats().inFlight).toBe(1);
  stop.abort();
  await answer;
});
