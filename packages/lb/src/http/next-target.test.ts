/** Retries against real servers: which failures are tried again, where, and what it costs. */

import { once } from "node:events";
import type { Socket } from "node:net";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { lbRejected, lbRetry } from "@headroom/core/channels";
import { createManualClock } from "@headroom/core/testing";
import { expect, onTestFinished, test, vi } from "vitest";
import {
  answering,
  balancing,
  idle,
  refusing,
  rejection,
  reply,
  targetStats,
  webServer,
} from "../../test/web-servers.ts";
import { FAILED } from "../outcome.ts";

/** What is published about retries during this test. */
function decisions(): string[] {
  const heard: string[] = [];
  onTestFinished(
    lbRetry.subscribe(({ backend, decision }) => heard.push(`${backend} ${decision}`)),
  );
  return heard;
}

const resetting = (id: string) =>
  webServer(id, (request) => {
    request.socket.resetAndDestroy();
  });

test.each([500, 502, 503, 504])("a %i is tried again at another target", async (status) => {
  const heard = decisions();
  const [a, b] = [await answering("a", status), await answering("b")];
  const lb = balancing([a, b]);
  const { statusCode, body, context } = await lb.request({ path: "/", method: "GET" });
  expect([statusCode, await body.text()]).toEqual([200, "b"]);
  expect(context).toMatchObject({ target: "b", attempts: 2 });
  await idle(lb);
  expect(targetStats(lb, "a")).toMatchObject({ requests: 1, failures: 1 });
  expect(heard).toEqual(["a retried"]);
});

test.each([400, 404, 409, 429, 501, 505])("a %i is the answer", async (status) => {
  const [a, b] = [await answering("a", status), await answering("b")];
  const lb = balancing([a, b]);
  const { statusCode, body } = await lb.request({ path: "/", method: "GET" });
  expect([statusCode, await body.text()]).toEqual([status, "a"]);
  expect(b.seen).toEqual([]);
});

test.each(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])("%s is repeatable", async (method) => {
  const [a, b] = [await answering("a", 500), await answering("b")];
  const lb = balancing([a, b]);
  const { statusCode, body } = await lb.request({ path: "/", method: method as "GET" });
  await body.dump();
  expect(statusCode).toBe(200);
});

test.each(["POST", "PATCH"] as const)(
  "%s is not, and its failed answer is passed on whole",
  async (method) => {
    const heard = decisions();
    const a = await answering("a", 503, { "x-mark": "1", "content-length": "1" });
    const lb = balancing([a, await answering("b")]);
    const { statusCode, headers, body } = await lb.request({ path: "/", method, body: "x" });
    expect([statusCode, headers["x-mark"], await body.text()]).toEqual([503, "1", "a"]);
    expect(heard).toEqual(["a not-repeatable"]);
  },
);

test.each([
  ["a key", { headers: { "Idempotency-Key": "k1" } }],
  ["a key among flat headers", { headers: ["x", "y", "idempotency-key", "k1"] }],
  ["a key among pairs", { headers: new Map([["idempotency-key", "k1"]]) }],
  ["undici's option", { idempotent: true }],
])("a POST with %s is repeatable", async (_how, options) => {
  const [a, b] = [await answering("a", 503), await answering("b")];
  const lb = balancing([a, b]);
  const { body } = await lb.request({ path: "/", method: "POST", body: "x", ...options });
  expect(await body.text()).toBe("b");
});

test("a GET whose caller says that it is not repeatable is not repeated", async () => {
  const [a, b] = [await answering("a", 503), await answering("b")];
  const lb = balancing([a, b]);
  const { statusCode } = await lb.request({ path: "/", method: "GET", idempotent: false });
  expect(statusCode).toBe(503);
});

test("a target that refuses the connection has not got it: any method goes elsewhere, budget or not", async () => {
  const heard = decisions();
  const b = await webServer("b", async (request, response) =>
    reply(response, 200, await text(request)),
  );
  const lb = balancing([await refusing("a"), b], {
    retry: { budgetRatio: 0, minRetriesPerSecond: 0 },
  });
  const bodies = ["text", Readable.from(["a ", "stream"])];
  for (const [at, body] of bodies.entries()) {
    const answer = await lb.request({ path: "/", method: "POST", body });
    expect(await answer.body.text()).toBe(["text", "a stream"][at]);
  }
  expect(heard).toEqual(["a retried", "a retried"]);
  expect(targetStats(lb, "a")).toMatchObject({ requests: 2, failures: 2 });
});

test("a connection that breaks: repeatable requests go elsewhere, others fail", async () => {
  const [a, b] = [await resetting("a"), await answering("b")];
  const lb = balancing([a, b]);
  const { body } = await lb.request({ path: "/", method: "GET" });
  expect(await body.text()).toBe("b");
  const error = await rejection(lb.request({ path: "/", method: "POST", body: "x" }));
  expect(error).toMatchObject({ code: "LB_UPSTREAM", target: "a", attempts: 1, pool: "default" });
  expect(error.cause).toMatchObject({ code: "ECONNRESET" });
  await idle(lb);
  expect(targetStats(lb, "a").failures).toBe(2);
});

test("a kept connection that was closed: once more for nothing, at the same target if need be", async () => {
  const a = await answering("a");
  const lb = balancing([a], {
    connections: 1,
    retry: { budgetRatio: 0, minRetriesPerSecond: 0 },
  });
  await (await lb.request({ path: "/1", method: "GET" })).body.text();
  // As a server does that closes idle connections in the moment in which the next request arrives.
  a.answer = (request, response) => {
    a.answer = (_request, again) => reply(again, 200, "a");
    if (request.url === "/2") request.socket.resetAndDestroy();
    else reply(response, 200, "a");
  };
  const { body, context } = await lb.request({ path: "/2", method: "GET" });
  expect(await body.text()).toBe("a");
  expect(context).toMatchObject({ target: "a", attempts: 2 });
  await idle(lb);
  expect(targetStats(lb, "a")).toMatchObject({ status: "healthy", failures: 0 });
});

test("no target is tried twice, and no more than allowed", async () => {
  const heard = decisions();
  const servers = [];
  for (const id of ["a", "b", "c", "d"]) servers.push(await answering(id, 503));
  const lb = balancing(servers);
  const { statusCode, body, context } = await lb.request({ path: "/", method: "GET" });
  expect([statusCode, await body.text()]).toEqual([503, "c"]);
  expect(context).toMatchObject({ attempts: 3 });
  expect(servers.map(({ seen }) => seen.length)).toEqual([1, 1, 1, 0]);
  expect(heard).toEqual(["a retried", "b retried", "c attempts-exhausted"]);
});

test("without another target the failed answer is the answer", async () => {
  const heard = decisions();
  const rejected: string[] = [];
  onTestFinished(lbRejected.subscribe(({ reason }) => rejected.push(reason)));
  const lb = balancing([await answering("a", 503, { "x-mark": "1" })]);
  const { statusCode, headers, body } = await lb.request({ path: "/", method: "GET" });
  expect([statusCode, headers["x-mark"], await body.text()]).toEqual([503, "1", "a"]);
  expect(heard).toEqual(["a no-other-target"]);
});

test("when all refuse, the last error is told", async () => {
  const lb = balancing([await refusing("a"), await refusing("b")]);
  const error = await rejection(lb.request({ path: "/", method: "POST", body: "x" }));
  expect(error).toMatchObject({ code: "LB_UPSTREAM", target: "b", attempts: 2, retryable: true });
  expect(error.cause).toMatchObject({ code: "ECONNREFUSED" });
});

test("while one target lives it is found, however many refuse, and a POST too", async () => {
  const dead = await Promise.all(["a", "b", "c", "d"].map((name) => refusing(name)));
  const lb = balancing([...dead, await answering("e")], { retry: { attempts: 2 } });
  for (let request = 0; request < 20; request++) {
    const { statusCode } = await lb.request({ path: "/", method: "POST", body: "x" });
    expect(statusCode).toBe(200);
  }
});

test("a retry that finds no target is no request turned away", async () => {
  const rejected: string[] = [];
  onTestFinished(lbRejected.subscribe(({ reason }) => rejected.push(reason)));
  const lb = balancing([await refusing("a")]);
  await rejection(lb.request({ path: "/", method: "GET" }));
  expect(rejected).toEqual([]);
});

test("retry: false", async () => {
  const lb = balancing([await answering("a", 503), await answering("b")], { retry: false });
  expect((await lb.request({ path: "/", method: "GET" })).statusCode).toBe(503);
});

test("when everything fails, retries are no more than the reserve", async () => {
  const heard = decisions();
  const servers = [await answering("a", 503), await answering("b", 503)];
  const clock = createManualClock();
  const lb = balancing(servers, {
    retry: { budgetRatio: 0.2, minRetriesPerSecond: 1 },
    health: { consecutiveFailures: 1_000, successRate: false },
    clock,
  });
  for (let sent = 0; sent < 200; sent++) {
    await (await lb.request({ path: "/", method: "GET" })).body.dump();
  }
  const asked = servers.reduce((sum, { seen }) => sum + seen.length, 0);
  // A reserve of 1/s over 10 s; nothing has succeeded.
  expect(asked).toBe(200 + 10);
  expect(heard.filter((each) => each.endsWith("retried")).length).toBe(10);
  expect(heard.filter((each) => each.endsWith("budget-exhausted")).length).toBe(190);
  expect(lb.stats().retryBudget).toBe(0);
});

test("the body that is sent again is whole", async () => {
  const a = await webServer("a", async (request, response) => {
    await text(request);
    reply(response, 503);
  });
  const b = await webServer("b", async (request, response) =>
    reply(response, 200, await text(request)),
  );
  const lb = balancing([a, b]);
  const bytes = new Uint8Array(Buffer.from("bytes"));
  async function* generated() {
    yield Buffer.from("gene");
    yield Buffer.from("rated");
  }
  for (const [body, wanted] of [
    ["text", "text"],
    [Buffer.from("buffer"), "buffer"],
    [bytes, "bytes"],
    [Readable.from(["str", "eam"]), "stream"],
    [generated(), "generated"],
  ] as const) {
    const answer = await lb.request({ path: "/", method: "PUT", body: body as string });
    expect([answer.statusCode, await answer.body.text()]).toEqual([200, wanted]);
  }
  expect(a.seen.length).toBe(5);
});

test("fetch with a body is tried again, too", async () => {
  const a = await answering("a", 503);
  const b = await webServer("b", async (request, response) =>
    reply(response, 200, await text(request)),
  );
  const lb = balancing([a, b]);
  const response = await lb.fetch("/", { method: "PUT", body: JSON.stringify({ n: 1 }) });
  expect([response.status, await response.text()]).toEqual([200, '{"n":1}']);
});

test("a stream too long to be kept is sent once", async () => {
  const a = await webServer("a", async (request, response) => {
    await text(request);
    reply(response, 503, "a");
  });
  const lb = balancing([a, await answering("b")]);
  const chunks = Array.from({ length: 5 }, () => Buffer.alloc(20_000));
  const answer = await lb.request({ path: "/", method: "PUT", body: Readable.from(chunks) });
  expect([answer.statusCode, await answer.body.text()]).toEqual([503, "a"]);
});

test("an answer that is read past leaves its connection usable", async () => {
  const a = await webServer("a", (request, response) => {
    reply(response, request.url === "/fail" ? 503 : 200, "x".repeat(10_000));
  });
  const lb = balancing([a, await answering("b")], { connections: 1 });
  for (const path of ["/fail", "/", "/fail", "/"]) {
    await (await lb.request({ path, method: "GET" })).body.text();
  }
  expect(a.seen.length).toBe(4);
  expect(a.sockets.size).toBe(1);
});

test("but not when it is long: then the connection is closed", async () => {
  const a = await webServer("a", (_request, response) => {
    response.writeHead(503);
    const zeros = new Readable({ read: () => void zeros.push(Buffer.alloc(16_384)) });
    zeros.pipe(response);
  });
  const closed = new Promise((resolve) => {
    a.server.once("connection", (socket) => socket.once("close", resolve));
  });
  const lb = balancing([a, await answering("b")]);
  const { body } = await lb.request({ path: "/", method: "GET" });
  expect(await body.text()).toBe("b");
  await closed;
});

test("a target that asks to wait is waited for, up to the maximum, and then another is asked", async () => {
  const clock = createManualClock();
  const heard = decisions();
  const [a, b] = [await answering("a", 503, { "retry-after": "2" }), await answering("b")];
  const lb = balancing([a, b], { clock, retry: { maxRetryAfterMs: 5_000 } });
  const answer = lb.request({ path: "/", method: "GET" });
  await vi.waitFor(() => expect(targetStats(lb, "a").failures).toBe(1));
  await clock.advance(1_999);
  expect([b.seen.length, heard.length]).toEqual([0, 0]);
  await clock.advance(1);
  const { statusCode, body } = await answer;
  expect([statusCode, await body.text()]).toEqual([200, "b"]);
  expect(heard).toEqual(["a retried"]);
});

test("a longer wish is cut", async () => {
  const clock = createManualClock();
  const [a, b] = [await answering("a", 503, { "retry-after": "3600" }), await answering("b")];
  const lb = balancing([a, b], { clock });
  const answer = lb.request({ path: "/", method: "GET" });
  await vi.waitFor(() => expect(targetStats(lb, "a").failures).toBe(1));
  await clock.advance(1_000);
  expect(await (await answer).body.text()).toBe("b");
});

test("with no time left to wait the failed answer is passed on at once", async () => {
  const clock = createManualClock();
  const [a, b] = [await answering("a", 503, { "retry-after": "1" }), await answering("b")];
  const lb = balancing([a, b], { clock, totalTimeoutMs: 1_000 });
  const { statusCode, body } = await lb.request({ path: "/", method: "GET" });
  expect([statusCode, await body.text()]).toEqual([503, "a"]);
});

test.each(["GET", "HEAD"] as const)(
  "%s: after a wait in vain, the failed answer is passed on",
  async (method) => {
    const clock = createManualClock();
    const heard = decisions();
    const a = await answering("a", 503, { "retry-after": "1", "x-mark": "1" });
    const lb = balancing([a], { clock });
    const answer = lb.request({ path: "/", method });
    await vi.waitFor(() => expect(targetStats(lb, "a").failures).toBe(1));
    await clock.advance(1_000);
    const { statusCode, headers, body } = await answer;
    expect([statusCode, headers["x-mark"]]).toEqual([503, "1"]);
    expect(await body.text()).toBe(method === "GET" ? "a" : "");
    expect(heard).toEqual(["a no-other-target"]);
  },
);

test("a failed answer that breaks off while it is held", async () => {
  const clock = createManualClock();
  const a = await webServer("a", (_request, response) => {
    response.writeHead(503, { "retry-after": "1", "content-length": "10" });
    response.write("half");
  });
  const lb = balancing([a], { clock });
  for (const how of ["reset", "end"]) {
    const answer = lb.request({ path: "/", method: "GET" }).then(({ body }) => body.text());
    const error = rejection(answer);
    await vi.waitFor(() => expect(a.seen.length).toBe(how === "reset" ? 1 : 2));
    await vi.waitFor(() => expect(targetStats(lb, "a").inFlight).toBe(0));
    const broken = once(lb, "disconnect");
    for (const socket of a.sockets as Set<Socket>) {
      if (how === "reset") socket.resetAndDestroy();
      else socket.end();
    }
    // A reset is noticed while it is held, an end only when it is read on.
    if (how === "reset") await broken;
    await clock.advance(1_000);
    expect(await error).toMatchObject({ code: "LB_UPSTREAM", target: "a", attempts: 1 });
  }
});

test("classify: rules of one's own come first, and one that throws has no opinion", async () => {
  const [a, b] = [await answering("a", 418), await answering("b", 500)];
  const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
  onTestFinished(() => warned.mockRestore());
  const lb = balancing([a, b], {
    classify: (result) => {
      if (result.type === "answer" && result.statusCode === 418) return FAILED;
      throw new Error("a mistake");
    },
  });
  const { statusCode } = await lb.request({ path: "/", method: "GET" });
  expect(statusCode).toBe(500);
  expect(targetStats(lb, "a").failures).toBe(1);
  expect(warned).toHaveBeenCalledOnce();
});
