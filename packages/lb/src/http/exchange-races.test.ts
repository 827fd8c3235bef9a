/**
 * Whatever servers and callers do, and in whatever order: each caller hears one start, at most one
 * answer and one end, in this order, and when all is over nothing is in flight.
 */

import type { RequestListener } from "node:http";
import { Readable } from "node:stream";
import { seededRandom } from "@headroom/core/random";
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { balancing, idle, reply, webServer } from "../../test/web-servers.ts";
import type { LoadBalancer } from "./load-balancer.ts";

const BEHAVIOURS: Readonly<Record<string, RequestListener>> = {
  fine: (request, response) => {
    request.resume();
    reply(response, 200, "fine");
  },
  failing: (request, response) => {
    request.resume();
    reply(response, 503, "failing");
  },
  patient: (request, response) => {
    request.resume();
    reply(response, 503, "patient", { "retry-after": "1" });
  },
  hinting: (request, response) => {
    request.resume();
    response.writeEarlyHints({ link: "</a>; rel=preload" });
    reply(response, 200, "hinting");
  },
  resetting: (request) => void request.socket.resetAndDestroy(),
  closing: (request) => void request.socket.end(),
  halting: (_request, response) => {
    response.writeHead(200, { "content-length": "100" });
    response.write("half", () => response.destroy());
  },
  late: (request, response) => {
    request.resume();
    request.on("end", () => setImmediate(() => reply(response, 200, "late")));
  },
};

interface Sent {
  readonly method: "GET" | "HEAD" | "PUT" | "POST";
  readonly body: "none" | "text" | "stream";
  /** After which event the caller gives up; events are counted from the start. */
  readonly abortAfter: number;
}

const sent: fc.Arbitrary<Sent> = fc.record({
  method: fc.constantFrom("GET", "HEAD", "PUT", "POST"),
  body: fc.constantFrom("none", "text", "stream"),
  abortAfter: fc.integer({ min: 1, max: 12 }),
});

const aborted = new Error("given up");

/** Sends one and resolves with all that its caller heard. */
function send(lb: LoadBalancer, { method, body, abortAfter }: Sent): Promise<string[]> {
  const heard: string[] = [];
  return new Promise((resolve) => {
    const sends = method === "PUT" || method === "POST";
    const stream = sends && body === "stream" ? Readable.from(["a ", "stream"]) : null;
    stream?.on("error", () => {});
    let abort: ((reason?: Error) => void) | undefined;
    const hear = (what: string): void => {
      heard.push(what);
      if (heard.length === abortAfter) queueMicrotask(() => abort?.(aborted));
    };
    const end = (what: string): void => {
      heard.push(what);
      // Time enough for one event too many.
      setImmediate(() => setImmediate(() => resolve(heard)));
    };
    const handler = {
      onConnect(given: typeof abort) {
        abort = given;
        hear("start");
      },
      onHeaders: (statusCode: number) => {
        hear(statusCode < 200 ? "interim" : "answer");
        return true;
      },
      onData: () => {
        hear("data");
        return true;
      },
      onComplete: () => end("end"),
      onError: (error: Error) => end(error === aborted ? "aborted" : "error"),
    };
    const payload = sends && body === "text" ? "text" : stream;
    lb.dispatch({ path: "/", method, body: payload }, handler as never);
  });
}

const LEGAL = /^start( interim)*( answer( data)*)? (end|error|aborted)$/;

test("one start, at most one answer, one end, and nothing left in flight", async () => {
  const seed = Number(process.env["HEADROOM_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...Object.keys(BEHAVIOURS)), { minLength: 1, maxLength: 12 }),
      fc.array(sent, { minLength: 1, maxLength: 25 }),
      fc.record({
        connections: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
        pipelining: fc.constantFrom(1, 4),
        maxInFlight: fc.option(fc.integer({ min: 1, max: 10 }), { nil: undefined }),
        perTryTimeoutMs: fc.option(fc.integer({ min: 1, max: 20 }), { nil: undefined }),
        totalTimeoutMs: fc.option(fc.integer({ min: 5, max: 200 }), { nil: undefined }),
        hedge: fc.constantFrom(false, { minSamples: 1, minDelayMs: 0, budgetRatio: 1 }),
      }),
      async (script, requests, options) => {
        const random = seededRandom(script.length * 31 + requests.length);
        const behave: RequestListener = (request, response) => {
          request.on("error", () => {});
          BEHAVIOURS[script[Math.floor(random() * script.length)] ?? "fine"]?.(request, response);
        };
        const servers = [await webServer("a", behave), await webServer("b", behave)];
        const given = Object.entries(options).filter(([, value]) => value !== undefined);
        const lb = balancing(servers, {
          ...Object.fromEntries(given),
          policy: "p2c-ewma",
          retry: { maxRetryAfterMs: 5 },
          bodyTimeoutMs: 1_000,
          headersTimeoutMs: 1_000,
        });
        const all = await Promise.all(requests.map((request) => send(lb, request)));
        for (const heard of all) expect(heard.join(" ")).toMatch(LEGAL);
        await idle(lb);
        expect(lb.stats().queued).toBe(0);
        await lb.destroy();
        await vi.waitFor(() =>
          expect(servers.every(({ sockets }) => sockets.size === 0)).toBe(true),
        );
        await Promise.all(servers.map((server) => server.stop()));
      },
    ),
    { seed, numRuns: Number(process.env["HEADROOM_RUNS"] ?? 40) },
  );
}, 60_000);
