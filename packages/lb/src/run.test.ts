import { lbRejected, lbRetry } from "@headroom/core/channels";
import { seededRandom } from "@headroom/core/random";
import { createManualClock } from "@headroom/core/testing";
import { expect, onTestFinished, test, vi } from "vitest";
import { createBalancer } from "./balancer.ts";
import type { BalancerOptions } from "./balancer-options.ts";
import type { RunOptions, WorkAttempt } from "./run.ts";

function balanced(options: Partial<BalancerOptions<string>> = {}) {
  const clock = createManualClock();
  const targets = ["a", "b", "c"].map((id) => ({ id, target: id }));
  const random = seededRandom(5);
  const balancer = createBalancer({ name: "users", targets, clock, random, ...options });
  return { balancer, clock };
}

const refused = () => Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
const reset = () => Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });

function decisions(): string[] {
  const heard: string[] = [];
  onTestFinished(lbRetry.subscribe(({ decision }) => heard.push(decision)));
  return heard;
}

test("work that was never begun is tried at another target, repeatable or not", async () => {
  const { balancer } = balanced();
  const heard = decisions();
  const tried: string[] = [];
  const result = await balancer.run((target, { attempt }) => {
    tried.push(target);
    if (attempt < 3) throw refused();
    return "done";
  });
  expect(result).toBe("done");
  expect(new Set(tried).size).toBe(3);
  expect(heard).toEqual(["retried", "retried"]);
  expect(balancer.stats().inFlight).toBe(0);
});

test.each([
  [{}, 1, ["not-repeatable"]],
  [{ idempotent: true }, 3, ["retried", "retried", "attempts-exhausted"]],
] as [RunOptions, number, string[]][])(
  "work that failed half-way, with %j",
  async (options, attempts, expected) => {
    const { balancer } = balanced();
    const heard = decisions();
    const work = vi.fn(() => Promise.reject(reset()));
    await expect(balancer.run(work, options)).rejects.toMatchObject({ code: "ECONNRESET" });
    expect(work).toHaveBeenCalledTimes(attempts);
    expect(heard).toEqual(expected);
    expect(balancer.stats().inFlight).toBe(0);
  },
);

test("the budget ends a storm of retries", async () => {
  const { balancer } = balanced({ retry: { budgetRatio: 0.2, minRetriesPerSecond: 0 } });
  for (let run = 0; run < 500; run++) await balancer.run(async () => "done");
  let attempts = 0;
  for (let run = 0; run < 500; run++) {
    const work = (): never => {
      attempts++;
      throw reset();
    };
    await expect(balancer.run(work, { idempotent: true })).rejects.toThrow("ECONNRESET");
  }
  expect(attempts).toBe(500 + 100);
});

test("fails as its last attempt did when no other target is left", async () => {
  const { balancer } = balanced({ targets: [{ id: "a", target: "a" }] });
  await expect(balancer.run(() => Promise.reject(refused()))).rejects.toThrow("ECONNREFUSED");
});

test("while one target lives it is found, however many refuse, and nobody was turned away", async () => {
  const rejected: string[] = [];
  onTestFinished(lbRejected.subscribe(({ reason }) => rejected.push(reason)));
  const ids = ["a", "b", "c", "d", "e", "f"];
  const targets = ids.map((id) => ({ id, target: id }));
  const { balancer } = balanced({ targets, retry: { attempts: 2, minRetriesPerSecond: 0 } });
  const work = (target: string) => (target === "f" ? "done" : Promise.reject(refused()));
  for (let run = 0; run < 20; run++) expect(await balancer.run(work)).toBe("done");
  await expect(balancer.run(() => Promise.reject(refused()))).rejects.toThrow("ECONNREFUSED");
  expect(rejected).toEqual([]);
});

test("a target that refuses is no attempt, one that fails is", async () => {
  const targets = ["a", "b", "c", "d"].map((id) => ({ id, target: id }));
  const { balancer } = balanced({ targets, retry: { attempts: 2 } });
  const work = vi.fn((_, { attempt }: WorkAttempt) =>
    Promise.reject(attempt === 1 ? refused() : reset()),
  );
  await expect(balancer.run(work, { idempotent: true })).rejects.toThrow("ECONNRESET");
  expect(work).toHaveBeenCalledTimes(3);
});

test("an attempt that takes too long is tried elsewhere", async () => {
  const { balancer, clock } = balanced();
  const tried: string[] = [];
  const running = balancer.run(
    (target, { attempt }) => {
      tried.push(target);
      return attempt === 1 ? new Promise<string>(() => {}) : "done";
    },
    { idempotent: true, perTryTimeoutMs: 100 },
  );
  await clock.advance(100);
  await expect(running).resolves.toBe("done");
  expect(new Set(tried).size).toBe(2);
});

test("all together take no longer than they may", async () => {
  const { balancer, clock } = balanced();
  const running = expect(
    balancer.run(() => new Promise(() => {}), {
      idempotent: true,
      timeoutMs: 250,
      perTryTimeoutMs: 100,
    }),
  ).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
  await clock.advance(250);
  await running;
  await clock.advance(0);
  expect(balancer.stats().inFlight).toBe(0);
});

test("its caller ends it with its own reason, and that is no failure of the target", async () => {
  const { balancer, clock } = balanced();
  const caller = new AbortController();
  const reason = new Error("the user has left");
  const running = expect(
    balancer.run(() => new Promise(() => {}), { idempotent: true, signal: caller.signal }),
  ).rejects.toBe(reason);
  await clock.advance(0);
  caller.abort(reason);
  await running;
  await clock.advance(0);
  const { inFlight, targets } = balancer.stats();
  expect(inFlight).toBe(0);
  expect(targets.every(({ failures }) => failures === 0)).toBe(true);
});

test("a slow attempt is hedged at another target, and the loser is aborted", async () => {
  const { balancer, clock } = balanced({ hedge: { minSamples: 20, minDelayMs: 10 } });
  const heard = decisions();
  for (let run = 0; run < 40; run++) await balancer.run(() => "fast", { idempotent: true });
  const aborted: string[] = [];
  const running = balancer.run(
    (target, { attempt, signal }) => {
      signal.addEventListener("abort", () => aborted.push(target));
      return attempt === 1 ? new Promise<string>(() => {}) : `from ${target}`;
    },
    { idempotent: true },
  );
  await clock.advance(10);
  await expect(running).resolves.toMatch(/^from /);
  await clock.advance(0);
  expect(heard).toEqual(["hedged"]);
  expect(aborted).toHaveLength(1);
  expect(balancer.stats().inFlight).toBe(0);
});

test("what may not be done twice is not hedged", async () => {
  const { balancer, clock } = balanced({ hedge: { minSamples: 20, minDelayMs: 10 } });
  for (let run = 0; run < 40; run++) await balancer.run(() => "fast", { idempotent: true });
  const work = vi.fn(() => clock.sleep(1_000).then(() => "slow"));
  const running = balancer.run(work);
  await clock.advance(1_000);
  await expect(running).resolves.toBe("slow");
  expect(work).toHaveBeenCalledTimes(1);
});

test("the key keeps its target", async () => {
  const { balancer } = balanced({ policy: "maglev" });
  const first = await balancer.run((target) => target, { key: "user:42" });
  for (let run = 0; run < 10; run++) {
    expect(await balancer.run((target) => target, { key: "user:42" })).toBe(first);
  }
});

test("work that failed without being the target's fault is not tried elsewhere", async () => {
  const { balancer } = balanced({ retry: { classify: () => ({ type: "success" }) } });
  const work = vi.fn(() => Promise.reject(new Error("no such mailbox")));
  await expect(balancer.run(work, { idempotent: true })).rejects.toThrow("no such mailbox");
  expect(work).toHaveBeenCalledOnce();
});

test("a classify that throws is a warning, and the lease is given back", async () => {
  const warned = new Promise<Error>((resolve) => process.once("warning", resolve));
  const classify = (): never => {
    throw new TypeError("no such field");
  };
  const { balancer } = balanced({ retry: { attempts: 1, classify } });
  await expect(balancer.run(() => Promise.reject(reset()))).rejects.toThrow("ECONNRESET");
  expect(balancer.stats().inFlight).toBe(0);
  await expect(warned).resolves.toMatchObject({ code: "HEADROOM_HOOK_FAILED" });
});
