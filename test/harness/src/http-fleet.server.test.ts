import { spawn } from "node:child_process";
import { once } from "node:events";
import { Agent, type IncomingMessage, request } from "node:http";
import { describe, expect, test } from "vitest";
import type { Endpoint } from "./endpoint.ts";
import { eventually } from "./eventually.ts";
import type { WhoAnswered } from "./http-behaviour.ts";
import { type HttpBackend, type HttpFleet, startHttpFleet } from "./http-fleet.ts";
import { gone, startOf } from "./process-tree.ts";
import { sweepDeadRuns } from "./run-directory.ts";
import { useServers } from "./use-servers.ts";

const fleet = useServers(() => startHttpFleet({ backends: 2 }));

function pair(of: HttpFleet = fleet()): [HttpBackend, HttpBackend] {
  const [first, second] = of.nodes;
  if (!first || !second) throw new Error("the fleet has two backends");
  return [first, second];
}

/** What a client sees of one exchange, as it goes along. */
class Exchange {
  status: number | undefined;
  headers: IncomingMessage["headers"] = {};
  body = "";
  chunks = 0;
  /** Whether the reply has come to its proper end. */
  isComplete = false;
  error: string | undefined;
  readonly ended: Promise<this>;
  readonly abort: () => void;

  constructor(to: Endpoint, options: { method?: string; path?: string; agent?: Agent } = {}) {
    const sent = request({ ...to, agent: false, ...options });
    this.abort = () => sent.destroy();
    sent.on("response", (response) => this.#read(response));
    sent.on("error", (error: NodeJS.ErrnoException) => {
      this.error = error.code;
    });
    this.ended = new Promise((resolve) => sent.once("close", () => resolve(this)));
    sent.end();
  }

  #read(response: IncomingMessage): void {
    this.status = response.statusCode;
    this.headers = response.headers;
    response.setEncoding("utf8");
    response.on("data", (text: string) => {
      this.body += text;
      this.chunks += 1;
    });
    response.on("end", () => {
      this.isComplete = response.complete;
    });
    response.on("error", (error: NodeJS.ErrnoException) => {
      this.error = error.code;
    });
  }

  get who(): WhoAnswered {
    return JSON.parse(this.body);
  }
}

async function get(to: Endpoint, path = "/"): Promise<Exchange> {
  return new Exchange(to, { path }).ended;
}

async function statuses(to: Endpoint, count: number): Promise<(number | undefined)[]> {
  const seen: (number | undefined)[] = [];
  for (let one = 0; one < count; one += 1) seen.push((await get(to)).status);
  return seen;
}

/** As good as "never": long enough for a healthy neighbour to answer many times. */
async function whileOthersAnswer(other: HttpBackend): Promise<void> {
  expect(await statuses(other.via, 20)).toEqual(new Array(20).fill(200));
}

describe("a healthy backend", () => {
  test("says who answered what, directly and through its proxy", async () => {
    for (const backend of pair()) {
      for (const to of [backend.direct, backend.via]) {
        const { status, who } = await new Exchange(to, { method: "PUT", path: "/a?b=c" }).ended;
        expect(status).toBe(200);
        expect(who).toMatchObject({ backend: backend.name, method: "PUT", path: "/a?b=c" });
      }
    }
  });

  test("is a process of its own", async () => {
    const pids = await Promise.all(pair().map(async ({ via }) => (await get(via)).who.pid));
    expect(new Set([...pids, process.pid]).size).toBe(3);
  });

  test("answers fetch at its url", async () => {
    const [backend] = pair();
    const response = await fetch(`${backend.url}/x`, { headers: { connection: "close" } });
    expect(await response.json()).toMatchObject({ backend: backend.name, path: "/x" });
  });
});

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

test("stats tell connections from requests", async () => {
  const [backend] = pair();
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  for (let one = 0; one < 3; one += 1) await new Exchange(backend.via, { agent }).ended;
  expect(await backend.stats()).toMatchObject({ requests: 3, accepted: 1, connections: 1 });
  agent.destroy();
  await eventually("it closes", async () => (await backend.stats()).connections === 0);
});

describe("a backend as a server", () => {
  test("dies by kill9 and starts anew on both its ports, healthy", async () => {
    const [backend] = pair();
    const ports = [backend.direct.port, backend.via.port];
    const { pid } = (await get(backend.via)).who;
    await backend.behave({ hang: "before-headers" });
    const cut = new Exchange(backend.via);
    await eventually("it arrives", async () => (await backend.stats()).inFlight === 1);
    await backend.kill9();
    expect((await cut.ended).error).toBe("ECONNRESET");
    expect((await get(backend.direct)).error).toBe("ECONNREFUSED");
    await expect(backend.stats()).rejects.toThrow("http1 does not run: it cannot stats");
    await backend.start();
    const again = await get(backend.via);
    expect([again.status, backend.direct.port, backend.via.port]).toEqual([200, ...ports]);
    expect(again.who.pid).not.toBe(pid);
  });

  test("hangs while it is paused, and answers when it resumes", async () => {
    const [backend, other] = pair();
    await backend.pause();
    const waiting = new Exchange(backend.via);
    await whileOthersAnswer(other);
    expect(waiting.status).toBeUndefined();
    await backend.resume();
    expect((await waiting.ended).status).toBe(200);
  });

  test("ends what is under way before it stops", async () => {
    const [backend] = pair();
    await backend.behave({ delayMs: 100 });
    const last = new Exchange(backend.via);
    await eventually("it arrives", async () => (await backend.stats()).inFlight === 1);
    await backend.stop();
    expect((await last.ended).status).toBe(200);
    expect((await get(backend.direct)).error).toBe("ECONNREFUSED");
    await backend.restart();
    expect((await get(backend.via)).status).toBe(200);
  });

  test("is out of reach behind a stalled link, and well", async () => {
    const [backend] = pair();
    backend.link.stall();
    const waiting = new Exchange(backend.via);
    expect((await get(backend.direct)).status).toBe(200);
    expect(waiting.status).toBeUndefined();
    backend.link.open();
    expect((await waiting.ended).status).toBe(200);
  });

  test("tells its version and what it has printed", async () => {
    const [backend] = pair();
    expect(await backend.version()).toBe(`Node ${process.versions.node}`);
    expect(await backend.logs()).toContain(`on 127.0.0.1:${backend.direct.port}`);
  });
});

describe("no process is left", () => {
  const pidsOf = (backends: readonly HttpBackend[]): Promise<number[]> =>
    Promise.all(backends.map(async ({ direct }) => (await get(direct)).who.pid));

  test("after close, not even of a paused backend", async () => {
    const own = await startHttpFleet({ backends: 2 });
    const pids = await pidsOf(own.nodes);
    await pair(own)[0].pause();
    await own.close();
    expect(pids.map(startOf)).toEqual([undefined, undefined]);
  });

  test("after the death of the test process, which only a paused one survives until the sweep", async () => {
    const program = `
      import { startHttpFleet } from ${JSON.stringify(new URL("http-fleet.ts", import.meta.url).href)};
      const { nodes } = await startHttpFleet({ backends: 2 });
      const ask = async (node) => (await (await fetch(node.url)).json()).pid;
      const pids = await Promise.all(nodes.map(ask));
      await nodes[1].pause();
      console.log(JSON.stringify(pids));`;
    const node = ["--conditions=@headroom/source", "--input-type=module", "-e", program];
    const parent = spawn(process.execPath, node, { stdio: ["ignore", "pipe", "inherit"] });
    const [printed] = (await once(parent.stdout, "data")) as [Buffer];
    const [running, paused] = JSON.parse(String(printed)) as [number, number];
    parent.kill("SIGKILL");
    await once(parent, "exit");
    await gone([running]);
    expect(startOf(paused)).toBeDefined();
    expect(sweepDeadRuns().join()).toContain(`(pid ${paused})`);
    await gone([paused]);
  });
});
