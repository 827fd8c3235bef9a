import { spawn } from "node:child_process";
import { once } from "node:events";
import { Agent } from "node:http";
import { describe, expect, test } from "vitest";
import { eventually } from "./eventually.ts";
import { Exchange, get, statuses } from "./http-exchange.ts";
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
