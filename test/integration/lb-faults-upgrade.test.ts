/** WebSockets through the proxy, whose servers are processes that are killed. */

import { createLoadBalancer } from "@headroom/lb";
import { expect, onTestFinished, test, vi } from "vitest";
import { openSocket, proxying } from "../../packages/lb/test/proxied.ts";
import { webServerProcess } from "../../packages/lb/test/web-servers-processes.ts";

const HANDSHAKE =
  "GET /chat HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/** An upgraded connection to the server that it names, or none. */
async function upgraded(port: number) {
  const { socket, until } = await openSocket(port);
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.write(HANDSHAKE);
  const answer = await Promise.race([until(";"), closed.then(() => "closed")]);
  const echo = async (text: string): Promise<void> => {
    socket.write(text);
    await until(text);
  };
  return { pid: Number(/pid (\d+);/.exec(answer)?.[1]), socket, closed, echo };
}

test.each(["SIGKILL", "SIGTERM"] as const)(
  "a server ends by %s: its clients are closed, those of others go on, the next go to living ones",
  async (signal) => {
    const servers = await Promise.all(["a", "b", "c"].map((id) => webServerProcess(id)));
    const lb = createLoadBalancer({ targets: servers.map(({ id, url }) => ({ id, url })) });
    onTestFinished(() => lb.destroy());
    const { port } = await proxying(lb);
    const clients = await Promise.all(Array.from({ length: 30 }, () => upgraded(port)));
    const [killed] = servers;
    const [its, others] = [
      clients.filter(({ pid }) => pid === killed?.pid),
      clients.filter(({ pid }) => pid !== killed?.pid),
    ];
    expect(its.length).toBeGreaterThan(0);
    expect(others.length).toBeGreaterThan(0);
    const startedMs = performance.now();
    await killed?.kill(signal);
    await Promise.all(its.map(({ closed }) => closed));
    const closedMs = performance.now() - startedMs;
    const next = await Promise.all(Array.from({ length: 30 }, () => upgraded(port)));
    const failed = next.filter(({ pid }) => Number.isNaN(pid)).length;
    console.log(
      `${signal}: ${its.length} of 30 WebSockets closed in ${Math.round(closedMs)} ms, ${failed} of the 30 next failed`,
    );
    expect(failed).toBe(0);
    expect(next.some(({ pid }) => pid === killed?.pid)).toBe(false);
    await Promise.all([...others, ...next].map((client, at) => client.echo(`still there ${at}`)));
    expect(lb.stats().inFlight).toBe(others.length + next.length);
    for (const { socket } of [...others, ...next]) socket.destroy();
    await vi.waitFor(() => expect(lb.stats().inFlight).toBe(0), { timeout: 5_000 });
  },
);
