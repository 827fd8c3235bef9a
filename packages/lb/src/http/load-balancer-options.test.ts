import { expect, test, vi } from "vitest";
import { createLoadBalancer } from "./load-balancer.ts";
import { type LoadBalancerOptions, loadBalancerRules } from "./load-balancer-options.ts";

test("the defaults", () => {
  const { exchange, connection, protocol, maxInFlight } = loadBalancerRules({ targets: [] });
  expect(exchange).toMatchObject({
    name: "default",
    maxAttempts: 3,
    maxRetryAfterMs: 1_000,
    hedging: undefined,
    classify: undefined,
    perTryTimeoutMs: Number.POSITIVE_INFINITY,
    totalTimeoutMs: Number.POSITIVE_INFINITY,
  });
  expect(exchange.budget.balance).toBe(100);
  expect(connection).toEqual({
    connections: undefined,
    pipelining: 1,
    allowH2: false,
    tls: {},
    connectTimeoutMs: 5_000,
    headersTimeoutMs: 30_000,
    bodyTimeoutMs: 30_000,
    maxResponseBytes: Number.POSITIVE_INFINITY,
    keepAliveTimeoutMs: 4_000,
  });
  expect([protocol, maxInFlight]).toEqual(["http", Number.POSITIVE_INFINITY]);
});

test.each([
  [
    { target: [] },
    TypeError,
    'createLoadBalancer: unknown option "target", did you mean "targets"?',
  ],
  [{ timeoutMs: 1 }, TypeError, 'unknown option "timeoutMs"'],
  [{ retry: { attempt: 1 } }, TypeError, 'did you mean "attempts"?'],
  [{ retry: { attempts: 0 } }, RangeError, "attempts must be an integer of at least 1, got 0"],
  [{ retry: { maxRetryAfterMs: -1 } }, RangeError, "maxRetryAfterMs must be"],
  [{ retry: { budgetRatio: -1 } }, RangeError, "retryRatio must be"],
  [{ hedge: { percentil: 0.5 } }, TypeError, 'did you mean "percentile"?'],
  [{ check: { pth: "/" } }, TypeError, 'did you mean "path"?'],
  [{ health: { panic: 0.5 } }, TypeError, '"panic"'],
  [{ protocol: "http:" }, TypeError, 'protocol must be "http" or "https"'],
  [{ allowH2: "yes" }, TypeError, "allowH2 must be a boolean"],
  [{ classify: {} }, TypeError, "classify must be a function"],
  [{ maxResponseBytes: 0 }, RangeError, "maxResponseBytes must be a positive number of bytes"],
  [{ connections: 0 }, RangeError, "connections must be"],
  [{ pipelining: 0 }, RangeError, "pipelining must be"],
  [{ perTryTimeoutMs: 0 }, RangeError, "perTryTimeoutMs must be a positive number"],
  [{ totalTimeoutMs: "1s" }, TypeError, "totalTimeoutMs must be a positive number"],
  [{ connectTimeoutMs: 0 }, RangeError, "connectTimeoutMs must be"],
  [{ headersTimeoutMs: 1.5 }, RangeError, "headersTimeoutMs must be an integer"],
  [{ maxInFlight: 0 }, RangeError, "maxInFlight must be"],
  [{ policy: "best" }, Error, "best"],
  [{ name: "" }, TypeError, "name must be"],
  [{ clock: {} }, TypeError, "clock must be"],
  [{ targets: "http://x" }, TypeError, "targets must be an array"],
  [{ targets: ["x"] }, TypeError, "a target must be a URL"],
  [{ targets: ["http://x", "http://x"] }, RangeError, "unique"],
  [{ targets: [{ url: "http://x", wieght: 2 }] }, TypeError, 'did you mean "weight"?'],
])("%o is refused at once", (options, kind, why) => {
  const create = () => createLoadBalancer({ targets: [], ...options } as LoadBalancerOptions);
  expect(create).toThrow(kind);
  expect(create).toThrow(why);
});

test("retry: false is one attempt, hedge: true the defaults", () => {
  const { exchange } = loadBalancerRules({ targets: [], retry: false, hedge: true });
  expect(exchange.maxAttempts).toBe(1);
  expect(exchange.hedging?.delayMs(0)).toBeUndefined();
});

test("a rule that throws has no opinion, and warns", () => {
  const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
  const mistake = new Error("a mistake");
  const { exchange } = loadBalancerRules({
    targets: [],
    classify: () => {
      throw mistake;
    },
  });
  expect(exchange.classify?.({ type: "error", error: new Error("x") })).toBeUndefined();
  expect(warned).toHaveBeenCalledWith(mistake);
  warned.mockRestore();
});
