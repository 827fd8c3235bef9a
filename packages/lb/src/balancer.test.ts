import { lbPanic, lbRejected } from "@headroom/core/channels";
import { seededRandom } from "@headroom/core/random";
import { createManualClock, type ManualClock } from "@headroom/core/testing";
import { expect, onTestFinished, test, vi } from "vitest";
import { type Balancer, createBalancer } from "./balancer.ts";
import type { BalancerOptions } from "./balancer-options.ts";
import type { DiscoveryUpdate } from "./discovery.ts";
import type { Lease } from "./lease.ts";
import { ABANDONED, FAILED, REFUSED, SUCCESS } from "./outcome.ts";
import type { Candidate } from "./policy.ts";

const SEED = 20_261_123;

const list = (...ids: string[]) => ids.map((id) => ({ id, target: id.toUpperCase() }));

function balanced(options: Partial<BalancerOptions<string>> = {}): {
  balancer: Balancer<string>;
  clock: ManualClock;
} {
  const clock = createManualClock();
  const balancer = createBalancer({
    name: "users",
    targets: list("a", "b", "c"),
    clock,
    random: seededRandom(SEED),
    ...options,
  });
  return { balancer, clock };
}

function fail(balancer: Balancer<string>, id: string, times = 5, outcome = FAILED): void {
  for (let time = 0; time < times; time++) balancer.pick({ prefer: id }).done(outcome);
}

const statusOf = (balancer: Balancer<string>, id: string) =>
  balancer.stats().targets.find((target) => target.id === id)?.status;

test("a lease is one request in flight, given back exactly once", () => {
  const { balancer } = balanced({ targets: list("a") });
  const one = balancer.pick();
  const other = balancer.pick();
  expect(one).toMatchObject({ id: "a", target: "A" });
  expect(balancer.stats()).toMatchObject({ inFlight: 2, targets: [{ inFlight: 2, requests: 2 }] });
  one.done(SUCCESS);
  one.done(FAILED);
  expect(balancer.stats()).toMatchObject({ inFlight: 1, targets: [{ failures: 0 }] });
  other.done(FAILED);
  expect(balancer.stats()).toMatchObject({ inFlight: 0, targets: [{ failures: 1 }] });
});

test("an excluded target is not picked, and when all are, that is an error", () => {
  const { balancer } = balanced();
  const tried = new Set<Candidate>();
  for (const _ of "abc") tried.add(balancer.pick({ exclude: tried }).candidate);
  expect([...tried].map(({ id }) => id).toSorted()).toEqual(["a", "b", "c"]);
  expect(() => balancer.pick({ exclude: tried })).toThrow(
    expect.objectContaining({ code: "LB_NO_TARGET", pool: "users", retryable: true }),
  );
});

test("a target that fails at once gets no more: not the black hole of load alone", async () => {
  const { balancer, clock } = balanced({
    health: { maxEjectedShare: 0 },
    targets: list("a", "b", "c", "d"),
  });
  let failed = 0;
  for (let request = 0; request < 400; request++) {
    await clock.advance(1);
    const lease = balancer.pick();
    if (lease.id !== "a") lease.done(SUCCESS, 5);
    else {
      failed++;
      lease.done(FAILED, 0.1);
    }
  }
  // Without ejection at all: what keeps it away is the penalty alone. A quarter would be a hundred.
  expect(failed).toBeLessThanOrEqual(5);
});

test("ejected after five failures in a row, probed by one request, and back", async () => {
  const { balancer, clock } = balanced();
  fail(balancer, "a");
  expect(statusOf(balancer, "a")).toBe("ejected");
  for (let request = 0; request < 50; request++) {
    const lease = balancer.pick({ repeatable: true });
    expect(lease.id).not.toBe("a");
    lease.done(SUCCESS);
  }
  await clock.advance(30_000);
  const probe = balancer.pick({ repeatable: true });
  expect(probe.id).toBe("a");
  expect(balancer.pick({ repeatable: true }).id, "one probe at a time").not.toBe("a");
  probe.done(SUCCESS);
  expect(statusOf(balancer, "a")).toBe("healthy");
});

test("a request that may not be repeated probes only when no other came for a second", async () => {
  const { balancer, clock } = balanced();
  fail(balancer, "a", 5, REFUSED);
  await clock.advance(1_000);
  expect(balancer.pick().id).not.toBe("a");
  await clock.advance(1_000);
  expect(balancer.pick().id).toBe("a");
});

test("an aborted probe decides nothing: the next request probes again", async () => {
  const { balancer, clock } = balanced();
  fail(balancer, "a");
  await clock.advance(30_000);
  balancer.pick({ repeatable: true }).done(ABANDONED);
  expect(balancer.pick({ repeatable: true }).id).toBe("a");
});

test("when all were tried, an ejected one is better than none", () => {
  const { balancer } = balanced();
  fail(balancer, "a");
  const tried = new Set<Candidate>();
  for (const _ of "bc") tried.add(balancer.pick({ exclude: tried }).candidate);
  expect(balancer.pick({ exclude: tried }).id).toBe("a");
});

test("more than half down by checks is panic: all are used, and that is told", () => {
  const heard = vi.fn();
  onTestFinished(lbPanic.subscribe(heard));
  const { balancer } = balanced({ targets: list("a", "b") });
  fail(balancer, "a");
  fail(balancer, "b");
  expect(statusOf(balancer, "b"), "the last one is never ejected").toBe("suspect");
  expect(balancer.isPanicking).toBe(false);
  expect(heard).not.toHaveBeenCalled();
});

test("the preferred target is taken while it is in rotation", () => {
  const { balancer } = balanced();
  for (let request = 0; request < 20; request++) {
    const lease = balancer.pick({ prefer: "b" });
    expect(lease.id).toBe("b");
    lease.done(SUCCESS);
  }
  fail(balancer, "b");
  expect(balancer.pick({ prefer: "b" }).id).not.toBe("b");
  expect(balancer.pick({ prefer: "nobody" }).id).toMatch(/[ac]/);
});

test("a drained target gets nothing new, ends what it has, and may be resumed", async () => {
  const { balancer } = balanced();
  const last = balancer.pick({ prefer: "a" });
  let isDrained = false;
  const drained = balancer.drain("a").then(() => {
    isDrained = true;
  });
  for (let request = 0; request < 30; request++) expect(balancer.pick().id).not.toBe("a");
  expect(isDrained).toBe(false);
  last.done(SUCCESS);
  await drained;
  balancer.resume("a");
  expect(balancer.pick({ prefer: "a" }).id).toBe("a");
});

test("a target that is removed is let go after its last request", () => {
  const onLeft = vi.fn();
  const { balancer } = balanced({ onLeft });
  const lease = balancer.pick({ prefer: "a" });
  balancer.remove("a");
  for (let request = 0; request < 30; request++) expect(balancer.pick().id).not.toBe("a");
  expect(onLeft).not.toHaveBeenCalled();
  lease.done(SUCCESS);
  expect(onLeft.mock.calls).toEqual([["A"]]);
});

test("a target that is added is used, slowly at first", async () => {
  const { balancer, clock } = balanced();
  await clock.advance(60_000);
  balancer.add({ id: "d", target: "D" });
  const shareOf = (id: string) => balancer.stats().targets.find((each) => each.id === id)?.share;
  expect(shareOf("d")).toBe(0.1);
  await clock.advance(5_000);
  expect(shareOf("d")).toBe(0.5);
  expect(shareOf("a")).toBe(1);
});

test("the limit turns away at once, or after a wait in the queue", async () => {
  const heard = vi.fn();
  onTestFinished(lbRejected.subscribe(({ reason }) => heard(reason)));
  const { balancer, clock } = balanced({ maxInFlight: 2, maxQueued: 1, queueTimeoutMs: 100 });
  const leases = [balancer.pick(), balancer.pick()] as [Lease<string>, Lease<string>];
  expect(() => balancer.pick()).toThrow(expect.objectContaining({ code: "LB_OVERLOADED" }));
  const waiting = balancer.acquire();
  await expect(balancer.acquire()).rejects.toMatchObject({ code: "LB_OVERLOADED" });
  expect(balancer.stats().queued).toBe(1);
  leases[0].done(SUCCESS);
  (await waiting).done(SUCCESS);
  const late = balancer.acquire();
  leases[1].done(SUCCESS);
  (await late).done(SUCCESS);
  const held = [balancer.pick(), balancer.pick()];
  const timedOut = expect(balancer.acquire()).rejects.toMatchObject({ code: "LB_OVERLOADED" });
  await clock.advance(100);
  await timedOut;
  for (const lease of held) lease.done(SUCCESS);
  expect(heard.mock.calls.flat()).toEqual(["overloaded", "overloaded", "queue-timeout"]);
  expect(balancer.stats()).toMatchObject({ inFlight: 0, queued: 0 });
});

test("a pick that finds no target gives its room back", () => {
  const { balancer } = balanced({ targets: [], maxInFlight: 1 });
  for (let time = 0; time < 3; time++) {
    expect(() => balancer.pick()).toThrow(expect.objectContaining({ code: "LB_NO_TARGET" }));
  }
});

test("a discovery: waits for the first answer, then follows, and keeps the last on failure", async () => {
  const updates: ((update: DiscoveryUpdate<string>) => void)[] = [];
  const next = () => new Promise<DiscoveryUpdate<string>>((resolve) => updates.push(resolve));
  const { balancer, clock } = balanced({
    targets: async function* (signal) {
      while (!signal.aborted) yield await next();
    },
  });
  expect(() => balancer.pick()).toThrow(/does not know its targets yet/);
  const waiting = balancer.acquire();
  await clock.advance(0);
  updates.shift()?.(list("a", "b"));
  (await waiting).done(SUCCESS);
  await clock.advance(0);
  updates.shift()?.({ failed: Object.assign(new Error("no answer"), { code: "ESERVFAIL" }) });
  await clock.advance(0);
  expect(balancer.stats().targets.map(({ id }) => id)).toEqual(["a", "b"]);
  updates.shift()?.(list("b", "c"));
  await clock.advance(0);
  expect(balancer.stats().targets.map(({ id }) => id)).toEqual(["b", "c"]);
  await balancer.close();
});

test("who waits for a discovery that never answers is freed by its signal or by close", async () => {
  const { balancer } = balanced({
    targets: async function* () {
      await new Promise(() => {});
    },
  });
  const reason = new Error("the client has gone");
  await expect(balancer.acquire({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  const waiting = expect(balancer.acquire()).rejects.toMatchObject({ code: "LB_CLOSED" });
  await balancer.close();
  await waiting;
});

test("close waits for the requests under way, lets all targets go, and takes no more", async () => {
  const onLeft = vi.fn();
  const { balancer } = balanced({ onLeft });
  const lease = balancer.pick({ prefer: "a" });
  let isClosed = false;
  const closed = balancer.close().then(() => {
    isClosed = true;
  });
  expect(() => balancer.pick()).toThrow(expect.objectContaining({ code: "LB_CLOSED" }));
  await Promise.resolve();
  expect(isClosed).toBe(false);
  lease.done(SUCCESS);
  await closed;
  await balancer.close();
  expect(onLeft.mock.calls.flat().toSorted()).toEqual(["A", "B", "C"]);
});

test("Retry-After keeps a target away for as long as it asked, but not for days", () => {
  const { balancer } = balanced();
  const latency = (id: string) =>
    balancer.stats().targets.find((each) => each.id === id)?.latencyMs;
  balancer.pick({ prefer: "a" }).done({ type: "throttled", retryAfterMs: 60_000 });
  balancer.pick({ prefer: "b" }).done({ type: "throttled", retryAfterMs: 1e9 });
  expect(latency("a")).toBe(60_000);
  expect(latency("b")).toBe(300_000);
});

test.each([
  [{ policy: "fastest" }, /policy|fastest/],
  [{ polcy: "random" }, /unknown option "polcy", did you mean "policy"/],
  [{ health: { ejectMs: 5 } }, /unknown option "ejectMs"/],
  [{ health: { maxEjectedShare: 2 } }, /maxEjectedShare must be a number from 0 to 1, got 2/],
  [{ retry: { attempts: 0 } }, /attempts/],
  [{ hedge: { percentil: 0.9 } }, /percentil/],
  [{ maxInFlight: 0 }, /maxInFlight/],
  [{ targets: "http://a" }, /targets/],
  [{ targets: list("a", "a") }, /"a"/],
  [{ overprovisioning: 0.5 }, /overprovisioning must be a finite number of at least 1, got 0.5/],
  [{ latency: { decay: 1 } }, /unknown option "decay"/],
] as [Partial<BalancerOptions<string>>, RegExp][])("refuses %j", (options, message) => {
  expect(() => balanced(options)).toThrow(message);
});

test("in a process that has just started, the first to answer does not get everything", async () => {
  const { balancer, clock } = balanced();
  const counts = new Map<string, number>();
  for (let request = 0; request < 90; request++) {
    const lease = balancer.pick();
    counts.set(lease.id, (counts.get(lease.id) ?? 0) + 1);
    await clock.advance(5);
    lease.done(SUCCESS);
  }
  expect([...counts.keys()].toSorted()).toEqual(["a", "b", "c"]);
  expect(Math.min(...counts.values())).toBeGreaterThan(15);
});

test("a newcomer that hangs gets one request, not all of them", () => {
  const { balancer } = balanced();
  for (const id of ["a", "b", "c"]) balancer.pick({ prefer: id }).done(SUCCESS, 5);
  balancer.add({ id: "d", target: "D" });
  let hanging = 0;
  for (let request = 0; request < 200; request++) {
    const lease = balancer.pick();
    if (lease.id === "d") hanging++;
    else lease.done(SUCCESS, 5);
  }
  expect(hanging).toBe(1);
});

test("a server that was gone for a moment is asked again soon, not when its penalty has faded", async () => {
  const { balancer, clock } = balanced();
  for (const id of ["a", "b", "c"]) balancer.pick({ prefer: id }).done(SUCCESS, 5);
  balancer.pick({ prefer: "a" }).done(REFUSED);
  const countOf = async (seconds: number): Promise<number> => {
    let count = 0;
    for (let request = 0; request < 10 * seconds; request++) {
      const lease = balancer.pick();
      if (lease.id === "a") count++;
      await clock.advance(100);
      lease.done(SUCCESS, 5);
    }
    return count;
  };
  expect(await countOf(4.9)).toBe(0);
  expect(await countOf(10)).toBeGreaterThan(20);
});
