/** Clients that leave, ten thousand of them: nothing stays behind, and no server is blamed. */

import { connect } from "node:net";
import { type HttpBackend, startHttpFleet, testSeed, useServers } from "@headroom/harness";
import { createLoadBalancer, type LoadBalancer } from "@headroom/lb";
import { expect, onTestFinished, test, vi } from "vitest";
import { proxying } from "../../packages/lb/test/proxied.ts";
import { expectNothingLost, Load, report } from "./lb-faults-load.ts";

const fleet = useServers(() => startHttpFleet({ backends: 4, seed: testSeed().value }));

const CLIENTS = 5_000;
const AT_A_TIME = 64;
/** They leave before, within or after what takes the server up to 12 ms. */
const LEAVES_WITHIN_MS = 12;

/** Silence, half a body and silence, a body in pieces, and an answer that takes a while. */
const SCRIPTS: readonly Parameters<HttpBackend["behave"]>[0][] = [
  { hang: "before-headers" },
  { hang: "in-body" },
  { slowBody: { chunkBytes: 10_000, chunks: 4, everyMs: 3 } },
  { delayMs: 6 },
];

const socketsOfThisProcess = (): number =>
  process.getActiveResourcesInfo().filter((each) => each.includes("TCPSocketWrap")).length;

/** One after another at so many places; each leaves after a random time. */
async function leaving(client: (leavesAfterMs: number) => Promise<void>): Promise<void> {
  const { random } = testSeed();
  let next = 0;
  const place = async (): Promise<void> => {
    while (next++ < CLIENTS) await client(random() * LEAVES_WITHIN_MS);
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, place));
}

async function abortsOwnRequest(lb: LoadBalancer, afterMs: number): Promise<void> {
  const leave = new AbortController();
  const timer = setTimeout(() => leave.abort(), afterMs);
  await lb
    .request({ method: "GET", path: "/", signal: leave.signal })
    .then(({ body }) => body.text())
    .catch((error: Error) => expect(error.name).toBe("AbortError"));
  clearTimeout(timer);
}

function closesItsConnection(port: number, afterMs: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      setTimeout(() => socket.destroy(), afterMs);
    });
    socket.on("error", () => {}).on("close", () => resolve());
    socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    socket.resume();
  });
}

test.each(["the load balancer", "the proxy"])(
  "clients of %s leave at any moment: every request ends at its server, every socket is closed",
  async (whose) => {
    const nodes = fleet().nodes;
    const lb = createLoadBalancer({
      targets: nodes.map(({ direct: { host, port } }) => `http://${host}:${port}`),
      // In turn: else those that are silent would be met seldom.
      policy: "round-robin",
    });
    onTestFinished(() => lb.destroy());
    const { port } = await proxying(lb);
    const socketsBefore = socketsOfThisProcess();
    await Promise.all(nodes.map((node, at) => node.behave(SCRIPTS[at] ?? {})));
    await leaving((afterMs) =>
      whose === "the proxy" ? closesItsConnection(port, afterMs) : abortsOwnRequest(lb, afterMs),
    );
    await vi.waitFor(() => expect(lb.stats().inFlight).toBe(0), { timeout: 10_000 });
    const seen = () => Promise.all(nodes.map((node) => node.stats()));
    await vi.waitFor(
      async () => expect((await seen()).map(({ inFlight }) => inFlight)).toEqual([0, 0, 0, 0]),
      { timeout: 10_000, interval: 50 },
    );
    const arrived = (await seen()).reduce((sum, { requests }) => sum + requests, 0);
    const aborted = (await seen()).reduce((sum, { abortedByClient }) => sum + abortedByClient, 0);
    expect(aborted).toBeGreaterThan(CLIENTS / 4);
    // Nobody is to blame: a target that failed once would have it in its figures.
    for (const target of lb.stats().targets) {
      expect(target).toMatchObject({ status: "healthy", failures: 0 });
    }
    await Promise.all(nodes.map((node) => node.behave({})));
    const load = new Load(lb, nodes, { posts: 0.3 });
    await load.run(200);
    const account = await load.end();
    report(`${CLIENTS} clients of ${whose} have left`, account, { aborted, cameSoFar: arrived });
    expectNothingLost(account);
    expect(account.failedPosts).toBe(0);
    await lb.close();
    await vi.waitFor(
      async () => {
        expect((await seen()).map(({ connections }) => connections)).toEqual([0, 0, 0, 0]);
        expect(socketsOfThisProcess()).toBeLessThanOrEqual(socketsBefore);
      },
      { timeout: 10_000, interval: 50 },
    );
  },
);
