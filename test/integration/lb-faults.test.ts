/** Servers that answer with failures, and the two bounds of repeating: what is safe, and what is too much. */

import { type HttpBackend, startHttpFleet, testSeed, useServers } from "@headroom/harness";
import { expect, test } from "vitest";
import { balanced, expectNothingLost, Load, report } from "./lb-faults-load.ts";

const fleet = useServers(() => startHttpFleet({ backends: 4, seed: testSeed().value }));
const backend = (at: number): HttpBackend => fleet().nodes[at] as HttpBackend;

test.each([
  ["answers 500 at once", { status: 500 }],
  ["answers 503 at once", { status: 503 }],
  ["resets before the headers", { reset: "before-headers" }],
] as const)("one of four %s: no GET fails", async (what, script) => {
  const lb = balanced(fleet().nodes);
  const robin = balanced(fleet().nodes, { policy: "round-robin", retry: false });
  await backend(0).behave(script);
  const [load, control] = [new Load(lb, fleet().nodes), new Load(robin, fleet().nodes)];
  await Promise.all([load.run(400), control.run(400)]);
  const [account, inTurn] = [await load.end(), await control.end()];
  report(what, account, { failedInTurnWithoutRetries: inTurn.failedGets });
  expectNothingLost(account);
  expect(account.answered).toBe(400);
  expect(inTurn.failedGets).toBeGreaterThan(0);
});

test("what may not be repeated is not repeated when it may have been done", async () => {
  const lb = balanced(fleet().nodes);
  await backend(0).behave({ reset: "before-headers" });
  const load = new Load(lb, fleet().nodes, { posts: 1 });
  await load.run(200);
  const account = await load.end();
  report("POSTs to a server that resets", account);
  expectNothingLost(account);
  expect(account.arrived).toBe(200);
  expect(account.failedPosts).toBeGreaterThan(0);
  expect(account.failedPosts).toBeLessThan(20);
});

test("a refused POST was never sent, so it is sent elsewhere", async () => {
  const lb = balanced(fleet().nodes);
  await backend(0).kill9();
  const load = new Load(lb, fleet().nodes, { posts: 1 });
  await load.run(200);
  const account = await load.end();
  report("POSTs to a server that is gone", account);
  expect(account).toMatchObject({ answered: 200, arrived: 200, lostPosts: 0, doubledPosts: 0 });
});

test("when all begin to answer 503, no more is tried again than a fifth of what succeeded", async () => {
  const lb = balanced(fleet().nodes, {
    retry: { attempts: 5, budgetRatio: 0.2, minRetriesPerSecond: 0 },
  });
  const load = new Load(lb, fleet().nodes);
  await load.run(250);
  for (const node of fleet().nodes) await node.behave({ status: 503 });
  await load.run(500);
  const account = await load.end();
  report("all answer 503", account);
  expect(account.failedGets).toBe(500);
  expect(account.arrived).toBeGreaterThan(750 + 25);
  expect(account.arrived).toBeLessThanOrEqual(750 + 50);
});
