/** The load balancer against real web servers, each a process of its own, and what can happen to them. */

import { type HttpBackend, startHttpFleet, useServers } from "@headroom/harness";
import { createLoadBalancer, type LoadBalancer, type LoadBalancerOptions } from "@headroom/lb";
import { expect, onTestFinished, test, vi } from "vitest";

const SEED = 20_261_124;
const fleet = useServers(() => startHttpFleet({ backends: 4, seed: SEED }));

function balanced(options: Partial<LoadBalancerOptions> = {}): LoadBalancer {
  const targets = fleet().nodes.map(({ direct: { host, port } }) => `http://${host}:${port}`);
  const lb = createLoadBalancer({ targets, ...options });
  onTestFinished(() => lb.destroy());
  return lb;
}

const backend = (at: number): HttpBackend => fleet().nodes[at] as HttpBackend;

/** So many requests, eight at a time; what failed, and how many each backend answered. */
async function load(lb: LoadBalancer, requests: number, method: "GET" | "POST" = "GET") {
  const failed: unknown[] = [];
  const answered = new Map<string, number>();
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next++ < requests) {
      try {
        const { statusCode, body } = await lb.request({ method, path: `/${next}` });
        const text = await body.text();
        if (statusCode !== 200) failed.push(statusCode);
        else {
          const { backend } = JSON.parse(text) as { backend: string };
          answered.set(backend, (answered.get(backend) ?? 0) + 1);
        }
      } catch (error) {
        failed.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  return { failed, answered };
}

async function settled(lb: LoadBalancer): Promise<void> {
  await vi.waitFor(() => expect(lb.stats().inFlight).toBe(0));
}

test.each([
  ["answers 500 at once", { status: 500 }],
  ["answers 503 at once", { status: 503 }],
  ["resets before the headers", { reset: "before-headers" }],
] as const)("one of four %s: no request fails", async (_, script) => {
  const lb = balanced();
  await backend(0).behave(script);
  const { failed } = await load(lb, 400);
  expect(failed).toEqual([]);
  await settled(lb);
});

test("one of four is killed in the middle: no request fails, and it is used again when it is back", async () => {
  const lb = balanced({ health: { refusedEjectionMs: 200, slowStartMs: 0 } });
  const running = load(lb, 800);
  await backend(1).kill9();
  expect((await running).failed).toEqual([]);
  await backend(1).start();
  await vi.waitFor(
    async () => expect((await load(lb, 40)).answered.has(backend(1).name)).toBe(true),
    { timeout: 15_000, interval: 50 },
  );
});

test("one of four hangs: no request fails, each waits for one try at most", async () => {
  const lb = balanced({ perTryTimeoutMs: 500 });
  await load(lb, 40);
  await backend(2).pause();
  const startedMs = performance.now();
  const { failed } = await load(lb, 400);
  const tookMs = performance.now() - startedMs;
  await backend(2).resume();
  expect(failed).toEqual([]);
  // Eight at a time: at most a few of them hit it before it is known.
  expect(tookMs).toBeLessThan(10_000);
});

test("what may not be repeated is not repeated when it may have been done", async () => {
  const lb = balanced();
  await backend(0).behave({ reset: "before-headers" });
  const { failed, answered } = await load(lb, 200, "POST");
  const sent = [...answered.values()].reduce((sum, count) => sum + count, 0);
  expect(sent + failed.length).toBe(200);
  expect(failed.length).toBeGreaterThan(0);
  expect(failed.length).toBeLessThan(20);
  const { targets } = lb.stats();
  expect(targets.reduce((sum, { requests }) => sum + requests, 0)).toBe(200);
});

test("a refused POST was never sent, so it is sent elsewhere", async () => {
  const lb = balanced();
  await backend(0).kill9();
  expect((await load(lb, 200, "POST")).failed).toEqual([]);
});

test("when all answer 503, the load grows by a fifth, not by the number of attempts", async () => {
  const lb = balanced({ retry: { attempts: 5, budgetRatio: 0.2, minRetriesPerSecond: 0 } });
  for (const node of fleet().nodes) await node.behave({ status: 503 });
  const { failed } = await load(lb, 500);
  expect(failed).toHaveLength(500);
  const stats = await Promise.all(fleet().nodes.map((node) => node.stats()));
  const sent = stats.reduce((sum, { requests }) => sum + requests, 0);
  expect(sent).toBeGreaterThan(550);
  expect(sent).toBeLessThanOrEqual(600);
});

test("all down is a quick failure, and recovery needs nobody's help", async () => {
  const lb = balanced({ health: { refusedEjectionMs: 200 } });
  await Promise.all(fleet().nodes.map((node) => node.kill9()));
  const startedMs = performance.now();
  const { failed } = await load(lb, 200);
  expect(failed).toHaveLength(200);
  expect(performance.now() - startedMs).toBeLessThan(5_000);
  // nodejs/undici#4839: with one of them back, everything works again after its first answer.
  await backend(3).start();
  await vi.waitFor(() => lb.request({ method: "GET", path: "/" }).then(({ body }) => body.dump()));
  expect((await load(lb, 200)).failed).toEqual([]);
});

test("a drained server gets nothing new, and nothing under way is lost", async () => {
  const lb = balanced();
  const [drained] = lb.stats().targets;
  const running = load(lb, 600);
  await lb.drain(drained?.id ?? "");
  const before = lb.stats().targets[0]?.requests;
  expect((await running).failed).toEqual([]);
  expect(lb.stats().targets[0]?.requests).toBe(before);
});

test("a slow server is avoided", async () => {
  const lb = balanced();
  await backend(0).behave({ delayMs: 200 });
  const { failed, answered } = await load(lb, 400);
  expect(failed).toEqual([]);
  expect(answered.get(backend(0).name) ?? 0).toBeLessThan(40);
});
