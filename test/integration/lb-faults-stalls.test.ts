/** Servers that accept requests and do not answer: a hang is the one failure that nobody reports. */

import { type HttpBackend, startHttpFleet, testSeed, useServers } from "@headroom/harness";
import { expect, test, vi } from "vitest";
import { balanced, expectNothingLost, Load, report } from "./lb-faults-load.ts";

const fleet = useServers(() => startHttpFleet({ backends: 4, seed: testSeed().value }));
const stalled = (): HttpBackend => fleet().nodes[0] as HttpBackend;

/** Requests under way at a time. Before the first time limit is over nobody can know: each may be hit. */
const WORKERS = 8;

test.each([
  ["the time of one try", { perTryTimeoutMs: 300 }],
  ["the time until the headers", { headersTimeoutMs: 300 }],
])(
  "one of four never answers: after %s a GET is answered by another, a POST is told",
  async (limit, options) => {
    // Blind to failures but for ejection, so that it is met until it is ejected.
    const lb = balanced(fleet().nodes, { ...options, policy: "round-robin" });
    const bare = balanced(fleet().nodes, { ...options, policy: "round-robin", retry: false });
    await stalled().behave({ hang: "before-headers" });
    const load = new Load(lb, fleet().nodes, { posts: 0.3, workers: WORKERS });
    const control = new Load(bare, fleet().nodes, { posts: 0.3, workers: WORKERS });
    await Promise.all([load.run(400), control.run(400)]);
    const [account, without] = [await load.end(), await control.end()];
    report(`never answers, ${limit}`, account, { failedWithoutRetries: without.failedGets });
    expectNothingLost(account);
    // Five in a row eject it; the others were under way at that moment.
    expect(account.failedPosts).toBeLessThanOrEqual(5 + WORKERS);
    expect(account.reasons["LB_TIMEOUT"] ?? 0).toBe(account.failedPosts);
    expect(account.byServer.has(stalled().name)).toBe(false);
    expect(without.failedGets).toBeGreaterThan(0);
  },
);

test("one of four is stopped and goes on: no GET fails, no POST is done twice, and it is used again", async () => {
  const lb = balanced(fleet().nodes, {
    perTryTimeoutMs: 300,
    health: { ejectionMs: 500, slowStartMs: 0 },
    latency: { decayMs: 1_000, failureMs: 1_000 },
  });
  const bare = balanced(fleet().nodes, {
    perTryTimeoutMs: 300,
    policy: "round-robin",
    retry: false,
  });
  const load = new Load(lb, fleet().nodes, { posts: 0.3, workers: WORKERS });
  const control = new Load(bare, fleet().nodes);
  load.start();
  control.start();
  await load.answered(100);
  await stalled().pause();
  await load.answered(400);
  await control.hasFailed();
  await stalled().resume();
  const resumedMs = load.log.nowMs();
  const { requests } = await stalled().stats();
  await vi.waitFor(
    async () => expect((await stalled().stats()).requests).toBeGreaterThan(requests + 20),
    { timeout: 20_000, interval: 20 },
  );
  const recoveryMs = load.log.nowMs() - resumedMs;
  const [account, without] = [await load.end(), await control.end()];
  report("stopped and gone on", account, { recoveryMs, failedWithoutRetries: without.failedGets });
  expectNothingLost(account);
  expect(without.failedGets).toBeGreaterThan(0);
  // Each try of it costs at most what is under way; in this time there are a few probes, too.
  expect(account.failedPosts).toBeLessThanOrEqual(4 * WORKERS);
});

test("a slow server is avoided", async () => {
  const lb = balanced(fleet().nodes);
  const robin = balanced(fleet().nodes, { policy: "round-robin" });
  await stalled().behave({ delayMs: 200 });
  const [load, control] = [new Load(lb, fleet().nodes), new Load(robin, fleet().nodes)];
  await Promise.all([load.run(400), control.run(400)]);
  const [account, inTurn] = [await load.end(), await control.end()];
  const share = (each: typeof account): number => each.byServer.get(stalled().name) ?? 0;
  report("slow", account, { atIt: share(account), atItInTurn: share(inTurn) });
  expectNothingLost(account);
  expect(share(inTurn)).toBeGreaterThan(80);
  expect(share(account)).toBeLessThan(40);
});
