import { describe, expect, test } from "vitest";
import { eventually } from "./eventually.ts";
import { Exchange, get, statuses } from "./http-exchange.ts";
import { type HttpBackend, startHttpFleet } from "./http-fleet.ts";
import { useServers } from "./use-servers.ts";

const fleet = useServers(() => startHttpFleet({ backends: 2 }));

function pair(): [HttpBackend, HttpBackend] {
  const [first, second] = fleet().nodes;
  if (!first || !second) throw new Error("the fleet has two backends");
  return [first, second];
}

/** As good as "never": long enough for a healthy neighbour to answer many times. */
async function whileOthersAnswer(other: HttpBackend): Promise<void> {
  expect(await statuses(other.via, 20)).toEqual(new Array(20).fill(200));
}

describe("a scripted backend", () => {
  test("answers with the status, headers and body it was given", async () => {
    const [backend] = pair();
    await backend.behave({ status: 503, headers: { "retry-after": "7" }, body: "sorry" });
    const { status, headers, body } = await get(backend.via);
    expect([status, headers["retry-after"], headers["content-type"], body]).toEqual([
      503,
      "7",
      "text/plain",
      "sorry",
    ]);
  });

  test("answers without a body where HTTP allows none", async () => {
    const [backend] = pair();
    await backend.behave({ status: 204 });
    const { status, headers, isComplete } = await get(backend.via);
    expect([status, headers["content-length"], isComplete]).toEqual([204, undefined, true]);
  });

  test("waits before it answers", async () => {
    const [backend] = pair();
    await backend.behave({ delayMs: 100 });
    const startedMs = performance.now();
    expect((await get(backend.via)).status).toBe(200);
    expect(performance.now() - startedMs).toBeGreaterThan(99);
  });

  test("hangs before the headers, until the client leaves", async () => {
    const [backend, other] = pair();
    await backend.behave({ hang: "before-headers" });
    const hanging = new Exchange(backend.via);
    await whileOthersAnswer(other);
    expect(hanging.status).toBeUndefined();
    expect(await backend.stats()).toMatchObject({ requests: 1, inFlight: 1, abortedByClient: 0 });
    hanging.abort();
    await eventually("the backend notices", async () => (await backend.stats()).inFlight === 0);
    expect(await backend.stats()).toMatchObject({ abortedByClient: 1, byStatus: {} });
  });

  test("hangs in the body, with half of it sent", async () => {
    const [backend, other] = pair();
    await backend.behave({ hang: "in-body", body: "half of it" });
    const hanging = new Exchange(backend.via);
    await eventually("the half arrives", () => hanging.body === "half ");
    await whileOthersAnswer(other);
    expect(hanging).toMatchObject({ status: 200, body: "half ", isComplete: false });
    hanging.abort();
    await hanging.ended;
  });

  test("resets the connection before the headers", async () => {
    const [backend] = pair();
    await backend.behave({ reset: "before-headers" });
    expect(await get(backend.via)).toMatchObject({ status: undefined, error: "ECONNRESET" });
    expect(await get(backend.direct)).toMatchObject({ status: undefined, error: "ECONNRESET" });
    expect(await backend.stats()).toMatchObject({ requests: 2, inFlight: 0, abortedByClient: 0 });
  });

  test("resets the connection in the body", async () => {
    const [backend] = pair();
    await backend.behave({ reset: "in-body", body: "half of it", status: 206 });
    for (const to of [backend.via, backend.direct]) {
      const broken = { status: 206, body: "half ", isComplete: false, error: "ECONNRESET" };
      expect(await get(to)).toMatchObject(broken);
    }
    expect(await backend.stats()).toMatchObject({ abortedByClient: 0, byStatus: { 206: 2 } });
  });

  test("sends a body slowly, a chunk at a time", async () => {
    const [backend] = pair();
    await backend.behave({ slowBody: { chunkBytes: 10, everyMs: 40, chunks: 4 } });
    const startedMs = performance.now();
    const { body, chunks, isComplete } = await get(backend.via);
    expect(performance.now() - startedMs).toBeGreaterThan(3 * 39);
    expect([body, isComplete]).toEqual(["x".repeat(40), true]);
    expect(chunks).toBeGreaterThan(1);
  });

  test("follows a list, and stays with its last", async () => {
    const [backend] = pair();
    await backend.behave([{ status: 500 }, { status: 502 }, {}]);
    expect(await statuses(backend.via, 4)).toEqual([500, 502, 200, 200]);
  });

  test("treats exactly the given share of requests so, and the others healthily", async () => {
    const [backend] = pair();
    await backend.behave({ status: 503, share: 0.25 });
    const seen = await statuses(backend.via, 20);
    expect(seen.filter((status) => status === 503)).toHaveLength(5);
    expect(seen.filter((status) => status === 200)).toHaveLength(15);
    expect(await backend.stats()).toMatchObject({ byStatus: { 200: 15, 503: 5 } });
  });

  test("refuses a script that makes no sense, and goes on as before", async () => {
    const [backend] = pair();
    await expect(backend.behave({ share: 2 })).rejects.toThrow(
      "share must be a number from 0 to 1",
    );
    expect((await get(backend.via)).status).toBe(200);
  });

  test("is healthy again after a reset, with all counts 0", async () => {
    const [backend] = pair();
    await backend.behave({ hang: "before-headers" });
    const hanging = new Exchange(backend.via);
    await eventually("it arrives", async () => (await backend.stats()).inFlight === 1);
    await backend.reset();
    expect((await hanging.ended).error).toBe("ECONNRESET");
    const nothing = {
      requests: 0,
      inFlight: 0,
      abortedByClient: 0,
      connections: 0,
      accepted: 0,
      byStatus: {},
    };
    expect(await backend.stats()).toEqual(nothing);
    expect((await get(backend.via)).status).toBe(200);
  });
});
