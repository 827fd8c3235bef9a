import { expect, test } from "vitest";
import { z } from "zod";
import type { DefinitionOptions } from "./definition.ts";
import { definitionRules, featuresOf, physicalRules, rateRules } from "./queue-options.ts";

const rules = (options: Partial<DefinitionOptions> = {}) =>
  definitionRules({ name: "photos", ...options });

test("a definition of a name alone is safe", () => {
  expect(rules()).toMatchObject({
    name: "photos",
    queue: "photos",
    attempts: 5,
    timeoutMs: 600_000,
    maxBytes: 256_000,
    onFull: "reject",
    results: undefined,
    dead: undefined,
  });
  const { settings, leaseMs } = physicalRules("photos", [rules()]);
  expect(leaseMs).toBe(15_000);
  expect(settings).toEqual({
    name: "photos",
    maxBacklog: undefined,
    limits: {
      concurrency: undefined,
      rate: undefined,
      perKeyConcurrency: 1,
      perKeyRate: undefined,
    },
    retention: { done: undefined, dead: { ms: 1_209_600_000, count: 10_000 } },
  });
});

test.each<[object, string]>([
  [{ name: "" }, "name must be"],
  [{ name: "a b" }, "name must be"],
  [{ queue: "x".repeat(101) }, "queue must be"],
  [{ timeout: 5 }, 'did you mean "timeoutMs"?'],
  [{ timeoutMs: 0 }, "timeoutMs must be"],
  [{ leaseMs: 29 }, "leaseMs must be at least 30"],
  [{ retry: { attempts: 0 } }, "attempts must be"],
  [{ retry: { delay: 1 } }, "unknown option"],
  [{ retry: { backoff: 5 } }, "backoff must be a function"],
  [{ input: {} }, "input must be a Standard Schema"],
  [{ output: z.object }, "output must be a Standard Schema"],
  [{ key: "user" }, "key must be a function"],
  [{ dedup: { window: 1 } }, "unknown option"],
  [{ dedup: { key: () => "a", windowMs: 0 } }, "windowMs must be"],
  [{ limits: { concurrency: 0 } }, "limits.concurrency must be"],
  [{ limits: { rate: { jobs: 1 } } }, "limits.rate.perMs must be"],
  [{ limits: { perKey: { concurrency: 0.5 } } }, "perKey.concurrency must be"],
  [{ maxBacklog: 0 }, "maxBacklog must be"],
  [{ onFull: "drop" }, "onFull must be one of"],
  [{ results: { keep: 1 } }, "unknown option"],
  [{ dead: { keepMs: -1 } }, "dead.keepMs must be"],
])("%j is refused by name", (options, message) => {
  expect(() => rules(options)).toThrow(message);
});

test("a handler may be allowed to hang, if somebody says so", () => {
  expect(rules({ timeoutMs: Number.POSITIVE_INFINITY }).timeoutMs).toBe(Number.POSITIVE_INFINITY);
});

test("what a definition needs of a driver", () => {
  expect(featuresOf(rules({ dead: false }))).toEqual([]);
  const all = rules({
    key: () => "k",
    dedup: () => "d",
    limits: { concurrency: 1 },
    maxBacklog: 1,
    output: z.string(),
  });
  expect(featuresOf(all)).toEqual([
    "keys",
    "dedup",
    "limits",
    "maxBacklog",
    "results",
    "deadLetters",
  ]);
});

test("definitions of one queue share what one of them says, and must not contradict", () => {
  const shared = physicalRules("media", [
    rules({ name: "a", leaseMs: 5_000 }),
    rules({ name: "b", maxBacklog: 10, dead: false, results: { keepMs: 1, keepCount: 2 } }),
  ]);
  expect(shared.leaseMs).toBe(5_000);
  expect(shared.settings).toMatchObject({
    maxBacklog: 10,
    retention: { done: { ms: 1, count: 2 }, dead: { ms: 0, count: 0 } },
  });
  expect(() =>
    physicalRules("media", [rules({ maxBacklog: 1 }), rules({ maxBacklog: 2 })]),
  ).toThrow('maxBacklog of queue "media" must be the same');
});

test("a rate is checked under the name of its option", () => {
  expect(rateRules("rate", undefined)).toBeUndefined();
  expect(rateRules("rate", { jobs: 1, perMs: 2 })).toEqual({ jobs: 1, perMs: 2 });
  expect(() => rateRules("rate", { jobs: 0, perMs: 2 })).toThrow("rate.jobs");
});
